import type { Jobs } from "../../jobs/jobs.ts";
import type { RunStorage } from "../../jobs/storage/storage.ts";
import type { Serving } from "../../serving/serving.ts";
import type { ApiKey } from "../access/keys.ts";
import type { KeptModels } from "./kept_models.ts";
import type { ModelSources } from "./schema.ts";

/** What the resources of models stand on. */
export interface ModelDependencies {
  readonly serving: Serving;
  readonly jobs: Jobs;
  /** Brings here what other machines train; null where all runs lie here. */
  readonly storage: Pick<RunStorage, "fetch"> | null;
  readonly kept: KeptModels;
  readonly sources: ModelSources;
  readonly keys: readonly ApiKey[];
}
