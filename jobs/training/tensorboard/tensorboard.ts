import { join } from "@std/path";
import { writing } from "../../disk_error.ts";
import type { Metrics } from "../metrics.ts";
import { encodeEvent, type EventContent, type Picture } from "./event.ts";
import { createRecordFrame } from "./records.ts";

/** What TensorBoard is shown of a run. */
export interface TensorBoard extends Disposable {
  /** @throws {DiskError} if the system refuses */
  writeMetrics(metrics: Metrics): Promise<void>;
  /**
   * @param picture a grid of samples
   * @throws {DiskError} if the system refuses
   */
  writeSamples(step: number, picture: Picture): Promise<void>;
}

const FILE = /^events\.out\.tfevents\.(\d{10})\./;

const nameless: readonly Deno.DirEntry[] = [];

/** Behind all that are there: TensorBoard reads a run's files in the order of their names, which begin with a time. */
const nextSecond = (folder: string, seconds: number): number => {
  let entries: Iterable<Deno.DirEntry> = nameless;
  try {
    entries = Deno.readDirSync(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  let next = Math.floor(seconds);
  for (const { name } of entries) next = Math.max(next, Number(FILE.exec(name)?.[1] ?? 0) + 1);
  return next;
};

/** The scalars of a step by the names that TensorBoard groups them by; what is not known yet is left out. */
const scalarsOf = (
  { loss, lossByQuartile, bitsPerDim, gradientNorm, learningRate, timing }: Metrics,
): Record<string, number> => {
  const all = {
    loss,
    ...Object.fromEntries(lossByQuartile.map((value, i) => [`loss_by_timestep/quarter_${i + 1}`, value])),
    bits_per_dim: bitsPerDim,
    gradient_norm: gradientNorm,
    learning_rate: learningRate,
    "timing/images_per_second": timing.imagesPerSecond,
    "timing/outside_share": timing.outsideShare,
    "timing/memory_bytes": timing.memory,
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, number] => entry[1] !== null));
};

/**
 * Opens an event file of TensorBoard in `tensorboard/` of a run, a new one each time: `tensorboard --logdir runs` shows it.
 * Where the run goes on from `step`, what earlier files hold of later steps is void.
 *
 * @param options.now seconds since 1970
 * @throws {DiskError} if the system refuses
 */
export const openTensorBoard = async (
  run: string,
  step: number,
  { now = () => Date.now() / 1000 }: { now?: () => number } = {},
): Promise<TensorBoard> => {
  const folder = join(run, "tensorboard");
  const frame = await createRecordFrame();
  const path = join(folder, `events.out.tfevents.${`${nextSecond(folder, now())}`.padStart(10, "0")}.denoise`);
  const file = await writing(path, () => {
    Deno.mkdirSync(folder, { recursive: true });
    return Deno.openSync(path, { append: true, createNew: true });
  });
  const write = (content: EventContent, step: number) =>
    writing(path, () => {
      let bytes: Uint8Array = frame(encodeEvent(content, { wallTime: now(), step }));
      while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
    });
  await write({ fileVersion: "brain.Event:2" }, 0);
  if (step > 0) await write({ isRestart: true }, step + 1);
  return {
    writeMetrics: (metrics) => write({ scalars: scalarsOf(metrics) }, metrics.step),
    writeSamples: (step, samples) => write({ scalars: {}, pictures: { samples } }, step),
    [Symbol.dispose]: () => file.close(),
  };
};
