import type { TrainingEvent } from "../events.ts";
import type { Claim } from "./claim.ts";
import type { Session } from "./database.ts";
import type { Progress } from "./row.ts";
import { CHANNEL } from "./turns.ts";

/** Something that a job's process said. */
export type Entry = { readonly event: TrainingEvent } | { readonly line: string };

/** Lines and progress that are kept of a job, at least; every so many entries, those before go. */
const KEPT = 4000;

/** Entries of any kind that are kept of a job. */
const KEPT_OF_ALL = 20_000;

const PRUNE_EVERY = 500;

const progressOf = (event: TrainingEvent): Progress => {
  switch (event.event) {
    case "start":
      return { steps: event.steps };
    case "progress": {
      const { step, steps, loss, imagesPerSecond, secondsLeft } = event;
      return { step, steps, loss, imagesPerSecond, secondsLeft };
    }
    case "checkpoint":
      return { checkpoint: event.folder };
    case "done":
    case "stopped":
      return { step: event.step, secondsLeft: null };
    case "error":
      return { error: event.message };
    default:
      return {};
  }
};

/**
 * Writes down what a claim's process said, for all who follow the job.
 *
 * @returns whether the claim still holds; nothing is written otherwise
 */
export const record = async (
  { query }: Session,
  { id, attempt }: Claim,
  entries: readonly Entry[],
): Promise<boolean> => {
  const events = entries.flatMap((entry) => "event" in entry ? [entry.event] : []);
  const progress = Object.assign({}, ...events.map(progressOf));
  const isFurther = events.some(({ event }) => event === "checkpoint");
  // Neither text nor jsonb can hold a NUL.
  const safe = (value: unknown) => JSON.stringify(value).replaceAll("\\u0000", "");
  const [job] = await query<{ entries: number }>(
    `WITH job AS (
      UPDATE denoise.jobs SET
        entries = entries + $3, progress = progress || $4::jsonb, failures = CASE WHEN $5 THEN 0 ELSE failures END
      WHERE id = $1 AND attempt = $2 AND state IN ('running', 'stopping')
      RETURNING id, entries
    ), added AS (
      INSERT INTO denoise.entries (job, id, attempt, event, line)
      SELECT job.id, job.entries - $3 + number, $2, entry -> 'event', entry ->> 'line'
      FROM job, jsonb_array_elements($6::jsonb) WITH ORDINALITY AS said (entry, number)
    )
    SELECT entries, pg_notify($7, id) FROM job`,
    [id, attempt, entries.length, safe(progress), isFurther, safe(entries), CHANNEL],
  );
  if (!job) return false;
  if (Math.floor(job.entries / PRUNE_EVERY) > Math.floor((job.entries - entries.length) / PRUNE_EVERY)) {
    await query(
      `DELETE FROM denoise.entries WHERE job = $1 AND (
        id <= $2 OR id <= $3 AND (line IS NOT NULL OR event ->> 'event' = 'progress')
      )`,
      [id, job.entries - KEPT_OF_ALL, job.entries - KEPT],
    );
  }
  return true;
};
