/// <reference lib="deno.worker" />
/** The thread that prepares batches. It speaks the messages of loader.ts. */
import { describeError } from "../../sampling/errors.ts";
import { createDataset } from "../data/images.ts";
import type { FromLoader, ToLoader } from "./loader.ts";
import { createPreparer, type Part } from "./prepare.ts";

const post = (message: FromLoader) => self.postMessage(message);

let slots: readonly Part[] = [];
let prepare: ReturnType<typeof createPreparer>;

self.onmessage = ({ data }: MessageEvent<ToLoader>) => {
  try {
    if ("plan" in data) {
      slots = data.slots;
      prepare = createPreparer(createDataset(data.dataset), data.plan);
      return;
    }
    prepare(data.step, data.part, slots[data.slot]);
    post({ slot: data.slot });
  } catch (error) {
    post({ error: describeError(error) });
  }
};
