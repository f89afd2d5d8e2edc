import { z } from "zod";
import { dataEvent } from "../datasets/cache.ts";

const step = z.int().min(0);
const measure = z.number().nullable();

/** What a training process says on stdout, one JSON object a line. */
const trainingEvent = z.discriminatedUnion("event", [
  z.object({ event: z.literal("start"), run: z.string(), steps: step, engine: z.string().optional() }),
  z.object({
    event: z.literal("progress"),
    step,
    steps: step,
    loss: measure,
    /** Mean loss of the images in each quarter of the timesteps, the least noisy first; null without any. */
    lossByQuartile: z.array(measure).length(4).optional(),
    /** One step's estimate of the variational bound: it scatters widely. */
    bitsPerDim: measure.optional(),
    gradientNorm: measure.optional(),
    learningRate: measure.optional(),
    imagesPerSecond: measure,
    secondsLeft: measure,
    /** Bytes of memory that the process holds. */
    memory: measure.optional(),
    /** Share of the time that is not spent in the compiled step, in [0, 1]. */
    outsideShare: measure.optional(),
  }),
  /** Of a data set that is prepared before the first step. */
  ...dataEvent.options,
  z.object({ event: z.literal("checkpoint"), step, folder: z.string() }),
  z.object({ event: z.literal("sample"), step, file: z.string() }),
  /** What is done before the first step is: it may take seconds. */
  z.object({ event: z.literal("status"), message: z.string() }),
  /** Something to know, that stops nothing. */
  z.object({ event: z.literal("notice"), message: z.string() }),
  z.object({ event: z.literal("done"), step, folder: z.string() }),
  z.object({ event: z.literal("stopped"), step, resume: z.string() }),
  z.object({ event: z.literal("error"), message: z.string() }),
]);

/** One line of a training process. */
export type TrainingEvent = z.output<typeof trainingEvent>;

/** Reads one line of a training process; null if it is no event, so that a stray print does no harm. */
export const parseTrainingEvent = (line: string): TrainingEvent | null => {
  try {
    return trainingEvent.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
};
