import type { TrainingEvent } from "../events.ts";
import { type FollowOptions, hasEnded, JobMissingError, type JobState } from "../jobs.ts";
import type { Session } from "./database.ts";
import type { Watch } from "./watch.ts";

/** Entries that are read at a time. */
const PAGE = 500;

/** Milliseconds after which it is looked whether something happened, in case the word of it was missed. */
const PATIENCE = 1000;

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
export async function* follow(
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
    const changed = live ? watch.changed(PATIENCE, id) : Promise.resolve();
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
