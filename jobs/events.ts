import { z } from "zod";

const step = z.int().min(0);

/** What a training process says on stdout, one JSON object a line. */
export const trainingEvent = z.discriminatedUnion("event", [
  z.object({ event: z.literal("start"), run: z.string(), steps: step, engine: z.string().optional() }),
  z.object({
    event: z.literal("progress"),
    step,
    steps: step,
    loss: z.number().nullable(),
    imagesPerSecond: z.number().nullable(),
    secondsLeft: z.number().nullable(),
  }),
  z.object({ event: z.literal("checkpoint"), step, folder: z.string() }),
  z.object({ event: z.literal("sample"), step, file: z.string() }),
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
