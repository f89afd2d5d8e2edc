import type { TrainingEvent } from "../../training/events.ts";
import { type FollowOptions, hasEnded, JobMissingError, type JobState } from "../jobs.ts";
import { CHANNEL, type Watch } from "./changes.ts";
import type { Claim } from "./claim.ts";
import { type Session, storable } from "./database.ts";
import type { JobProgress } from "./job_table.ts";

/** Something that a job's process said. */
export type JobEntry = { readonly event: TrainingEvent } | { readonly line: string };

/** Lines and progress that are retained of a job, at least; every so many entries, those before go. */
const RETAINED_LINES = 4000;

/** Entries of any kind that are retained of a job. */
const RETAINED_ENTRIES = 20_000;

const PRUNE_EVERY = 500;

const progressOf = (event: TrainingEvent): JobProgress => {
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
const appendEntries = async (
  { query }: Session,
  { id, attempt }: Claim,
  entries: readonly JobEntry[],
): Promise<boolean> => {
  const events = entries.flatMap((entry) => "event" in entry ? [entry.event] : []);
  const progress = Object.assign({}, ...events.map(progressOf));
  const isFurther = events.some(({ event }) => event === "checkpoint");
  const [job] = await query<{ entries: number }>(
    `WITH job AS (
      UPDATE denoise.jobs SET
        entries = entries + $3, progress = progress || $4::jsonb, failures = CASE WHEN $5 THEN 0 ELSE failures END
      WHERE id = $1 AND attempt = $2 AND state IN ('running', 'canceling')
      RETURNING id, entries
    ), added AS (
      INSERT INTO denoise.entries (job, id, attempt, event, line)
      SELECT job.id, job.entries - $3 + number, $2, entry -> 'event', entry ->> 'line'
      FROM job, jsonb_array_elements($6::jsonb) WITH ORDINALITY AS said (entry, number)
    )
    SELECT entries, pg_notify($7, id) FROM job`,
    [id, attempt, entries.length, storable(progress), isFurther, storable(entries), CHANNEL],
  );
  if (!job) return false;
  if (Math.floor(job.entries / PRUNE_EVERY) > Math.floor((job.entries - entries.length) / PRUNE_EVERY)) {
    await query(
      `DELETE FROM denoise.entries WHERE job = $1 AND (
        id <= $2 OR id <= $3 AND (line IS NOT NULL OR event ->> 'event' = 'progress')
      )`,
      [id, job.entries - RETAINED_ENTRIES, job.entries - RETAINED_LINES],
    );
  }
  return true;
};

/** Milliseconds for which entries are gathered before they are written together. */
const GATHER = 200;

/** Milliseconds to wait when the database does not answer. */
const RETRY = 500;

/** Entries that are held while it does not; of more, the oldest lines and progress go. */
const MOST_HELD = 2000;

const LONGEST_LINE = 2000;

/** Milliseconds from one progress event to the next that is stored. */
const PROGRESS_EVERY = 900;

/** Writes down what an attempt's process says, in order, as soon as the database takes it. */
export interface Recorder {
  readonly onEvent: (event: TrainingEvent) => void;
  readonly onLine: (line: string) => void;
  /** Waits until all is written, or the claim is lost, or `signal` aborts. */
  flush(signal: AbortSignal): Promise<void>;
}

const isSmall = (entry: JobEntry): boolean => "line" in entry || entry.event.event === "progress";

/**
 * Makes a recorder.
 *
 * @param onLost called when the database says that the claim is lost
 */
export const createRecorder = (session: Session, claim: Claim, onLost: () => void): Recorder => {
  let entries: JobEntry[] = [];
  let lastProgress = -Infinity;
  let isLost = false;
  let writing: Promise<void> | null = null;

  const write = async () => {
    await new Promise((resume) => setTimeout(resume, GATHER));
    while (entries.length > 0 && !isLost) {
      const taken = entries;
      entries = [];
      try {
        if (await appendEntries(session, claim, taken)) continue;
        isLost = true;
        onLost();
      } catch {
        entries = [...taken, ...entries];
        await new Promise((resume) => setTimeout(resume, RETRY));
      }
    }
    writing = null;
  };
  const add = (entry: JobEntry) => {
    entries.push(entry);
    if (entries.length > MOST_HELD) entries = entries.filter((one, i) => i >= MOST_HELD / 2 || !isSmall(one));
    writing ??= write();
  };

  return {
    onEvent: (event) => {
      if (event.event === "progress") {
        const now = performance.now();
        const isLast = event.step === event.steps;
        if (!isLast && now - lastProgress < PROGRESS_EVERY) return;
        lastProgress = now;
      }
      add({ event });
    },
    onLine: (line) => add({ line: line.slice(0, LONGEST_LINE) }),
    flush: async (signal) => {
      const given = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      while (writing && !signal.aborted) await Promise.race([writing, given]);
    },
  };
};

/** Entries that are read at a time. */
const PAGE = 500;

/** Milliseconds after which it is looked whether something happened, in case the word of it was missed. */
const LOOK = 1000;

interface EntryRow {
  readonly id: number;
  readonly event: TrainingEvent | null;
  readonly line: string | null;
}

/**
 * What a job's process said, in order, then what it says, until the job has ended.
 *
 * @param kind events, or the lines beside them
 * @param options.live wait for more; otherwise what is there
 */
export async function* followEntries(
  { query }: Session,
  watch: Watch,
  id: string,
  kind: "event" | "line",
  { after = 0, signal, live }: FollowOptions & { live: boolean },
): AsyncGenerator<EntryRow> {
  const aborted = new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
  let last = after;
  while (!signal?.aborted) {
    // Before the look, so that no change falls between.
    const changed = live ? watch.changed(LOOK, id) : Promise.resolve();
    const [job] = await query<{ state: JobState }>("SELECT state FROM denoise.jobs WHERE id = $1", [id]);
    if (!job) throw new JobMissingError(`there is no job ${JSON.stringify(id)}`);
    const rows = await query<EntryRow>(
      `SELECT id, event, line FROM denoise.entries WHERE job = $1 AND id > $2 AND ${kind} IS NOT NULL
      ORDER BY id LIMIT ${PAGE}`,
      [id, last],
    );
    for (const row of rows) {
      if (signal?.aborted) return;
      yield row;
      last = row.id;
    }
    if (rows.length === PAGE) continue;
    if (!live || hasEnded(job)) return;
    await Promise.race([changed, aborted]);
  }
}
