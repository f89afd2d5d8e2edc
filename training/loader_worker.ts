/// <reference lib="deno.worker" />
/** The thread that prepares batches. It speaks the messages of loader.ts. */
import { createDataset } from "../datasets/dataset.ts";
import { describeError } from "../sampling/errors.ts";
import type { LoaderReply, LoaderRequest } from "./loader.ts";
import { createBatchPreparer, type MicroBatch } from "./micro_batch.ts";

const post = (message: LoaderReply) => self.postMessage(message);

let slots: readonly MicroBatch[] = [];
let prepare: ReturnType<typeof createBatchPreparer>;

self.onmessage = ({ data }: MessageEvent<LoaderRequest>) => {
  try {
    if ("plan" in data) {
      slots = data.slots;
      prepare = createBatchPreparer(createDataset(data.dataset), data.plan);
      return;
    }
    prepare(data.step, data.part, slots[data.slot]);
    post({ slot: data.slot });
  } catch (error) {
    post({ error: describeError(error) });
  }
};
