import type { Clients } from "../access/clients.ts";
import type { ApiKey } from "../access/keys.ts";
import type { Log } from "../access/log.ts";
import type { Predictions } from "../predictions/store.ts";
import type { DrawDependencies } from "./draw.ts";
import type { OrderDependencies } from "./order.ts";

/** What the resources that draw stand on. */
export interface DrawingDependencies extends OrderDependencies, DrawDependencies {
  readonly clients: Clients;
  readonly predictions: Predictions;
  readonly keys: readonly ApiKey[];
  readonly log: Log;
  /** Told of each event stream, with 1 at its start and −1 at its end. */
  readonly onStream: (change: 1 | -1) => void;
}
