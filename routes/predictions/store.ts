import type { Running } from "../drawing/draw.ts";
import type { Limits } from "../limits.ts";
import type { Drawing, DrawingHead } from "../output/drawing.ts";
import type { DoneFormat } from "../output/formats.ts";
import type { problemBody } from "../problem.ts";

/** Where a prediction stands. */
export const PREDICTION_STATUSES = ["waiting", "running", "succeeded", "failed", "canceled"] as const;

/** Images that are drawn while their client is elsewhere. */
export interface Prediction {
  readonly id: string;
  /** Who made it, and may see it; null where there are no keys. */
  readonly owner: string | null;
  /** Digest of the body that made it, where it came by PUT. */
  readonly fingerprint: string | null;
  readonly head: DrawingHead;
  /** The format that its result has by default. */
  readonly format: DoneFormat;
  readonly running: Running;
  readonly createdAt: Date;
  /** How it ended; null while it is under way. */
  end: {
    readonly at: Date;
    readonly outcome:
      | { readonly status: "succeeded"; readonly drawing: Drawing }
      | { readonly status: "failed"; readonly problem: ReturnType<typeof problemBody> }
      | { readonly status: "canceled" };
  } | null;
}

/** The predictions of a server: those under way, and those that ended not long ago. */
export interface Predictions {
  add(prediction: Prediction): void;
  get(id: string): Prediction | undefined;
  /** In order of arrival. */
  readonly all: readonly Prediction[];
  /** Notes that a prediction has ended: from now on it is kept for a while. */
  ended(prediction: Prediction): void;
  remove(id: string): void;
  /** When a prediction is removed; null while it is under way. */
  expiry(prediction: Prediction): Date | null;
  /** Bytes of the images and events that are kept. */
  readonly bytes: number;
  /** Removes all. */
  close(): void;
}

const bytesOf = ({ running, end }: Prediction): number => {
  const drawing = end?.outcome.status === "succeeded" ? end.outcome.drawing : null;
  const frames = drawing?.frames.reduce((sum, frame) => sum + frame.byteLength, 0) ?? 0;
  return running.events.size + (drawing?.values.byteLength ?? 0) + frames;
};

/**
 * Makes an empty store. An ended prediction goes after `keptSeconds`, and sooner where more than `keptCount` of them, or
 * more than `keptBytes`, are kept: the one that ended first goes first.
 */
export const createPredictions = (
  { keptSeconds, keptCount, keptBytes }: Pick<Limits, "keptSeconds" | "keptCount" | "keptBytes">,
): Predictions => {
  const predictions = new Map<string, Prediction>();
  /** In the order in which they ended. */
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const sizes = new Map<string, number>();
  let bytes = 0;

  const remove = (id: string) => {
    clearTimeout(timers.get(id));
    timers.delete(id);
    bytes -= sizes.get(id) ?? 0;
    sizes.delete(id);
    predictions.delete(id);
  };
  const trim = () => {
    for (const id of timers.keys()) {
      if (timers.size <= keptCount && bytes <= keptBytes) return;
      remove(id);
    }
  };

  return {
    add: (prediction) => predictions.set(prediction.id, prediction),
    get: (id) => predictions.get(id),
    get all() {
      return [...predictions.values()];
    },
    ended: (prediction) => {
      const { id } = prediction;
      if (predictions.get(id) !== prediction) return;
      const timer = setTimeout(() => remove(id), keptSeconds * 1000);
      Deno.unrefTimer(timer);
      timers.set(id, timer);
      const size = bytesOf(prediction);
      sizes.set(id, size);
      bytes += size;
      trim();
    },
    remove,
    expiry: ({ end }) => end && new Date(end.at.getTime() + keptSeconds * 1000),
    get bytes() {
      return bytes;
    },
    close: () => {
      for (const id of [...predictions.keys()]) remove(id);
    },
  };
};
