import type { ImageShape } from "../../formats/pixels.ts";
import type { Preview, TaskEvent } from "../../serving/progress.ts";
import type { Codec } from "../codec/client.ts";
import type { EventLog } from "../events/event_log.ts";
import { pngUrl } from "../output/png_url.ts";

/** Writes what happens to a request into its log. */
export interface Teller {
  tell(event: TaskEvent): void;
  /** Resolves once all that was to be told has been. */
  told(): Promise<void>;
}

/**
 * Makes a teller. Events are written in their order, each once its pictures are encoded; while one is, plain progress is
 * not told.
 *
 * @param options.shown whether pictures are shown
 */
export const createTeller = (
  events: EventLog,
  { encoder, shape, columns, shown }: { encoder: Codec; shape: ImageShape; columns?: number; shown: boolean },
): Teller => {
  let told = Promise.resolve();
  let telling = 0;

  const show = async ({ x, x0, step, timestep }: Preview) => {
    const url = async (bytes: Uint8Array) =>
      pngUrl(await encoder.run("encodePicture", new Uint8Array(bytes), shape, columns));
    return { step, timestep, x: await url(x), x0: await url(x0) };
  };
  const tellLater = (progress: object, preview: Preview) => {
    telling++;
    told = told.then(async () => events.append("step", { ...progress, preview: await show(preview) }))
      .catch(() => {}).finally(() => telling--);
  };
  return {
    tell: (event) => {
      if (event.type !== "step") return events.append(event.type, { ...event, type: undefined });
      const { done, total, step, steps, preview } = event;
      const progress = { done, total, step, steps };
      if (preview && shown) tellLater(progress, preview);
      else if (telling === 0) events.append("step", progress, { passing: true });
    },
    told: () => told,
  };
};
