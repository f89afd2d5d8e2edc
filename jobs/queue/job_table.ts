import {
  type Job,
  JobExistsError,
  JobMissingError,
  type JobState,
  JobStateError,
  type ListOptions,
  type OptionValues,
} from "../jobs.ts";
import { notifyChanged } from "./changes.ts";
import type { Database, Session } from "./database.ts";
import { sendTurn } from "./turns.ts";

/** A row of `denoise.jobs`, as {@linkcode COLUMNS} reads it. */
export interface JobRow {
  readonly id: string;
  readonly options: OptionValues;
  readonly state: JobState;
  readonly attempt: number;
  readonly failures: number;
  readonly worker: string | null;
  readonly progress: JobProgress;
  readonly created: Date;
  readonly started: Date | null;
  readonly ended: Date | null;
}

/** What a job's events say of it, stored as it comes. */
export type JobProgress = Partial<
  Pick<
    Job,
    "step" | "steps" | "loss" | "imagesPerSecond" | "secondsLeft" | "checkpoint" | "exitCode" | "error"
  >
>;

/** The columns of {@linkcode JobRow}. */
const COLUMNS = "id, options, state, attempt, failures, worker, progress, created, started, ended";

/** Folder of a job's run, as others see it. */
export const runOf = (id: string): string => `runs/${id}`;

/** Reads a row as a job. */
const jobOf = ({ id, options, state, attempt, worker, progress, created, started, ended }: JobRow): Job => ({
  id,
  run: runOf(id),
  options,
  state,
  attempt,
  worker,
  createdAt: created.toISOString(),
  startedAt: started?.toISOString() ?? null,
  endedAt: ended?.toISOString() ?? null,
  step: 0,
  steps: null,
  loss: null,
  imagesPerSecond: null,
  secondsLeft: null,
  checkpoint: null,
  exitCode: null,
  error: null,
  ...progress,
});

/** What people do with jobs. Names and errors are those of {@linkcode Jobs}. */
export const addJob = (database: Database, id: string, options: OptionValues): Promise<Job> =>
  database.transaction(async (session) => {
    const [row] = await session.query<JobRow>(
      `INSERT INTO denoise.jobs (id, options, state) VALUES ($1, $2::jsonb, 'queued')
      ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
      [id, JSON.stringify(options)],
    );
    if (!row) throw new JobExistsError(`${runOf(id)} is there already: choose another name`);
    await sendTurn(database, session, id);
    await notifyChanged(session, id);
    return jobOf(row);
  });

export const getJob = async ({ query }: Session, id: string): Promise<Job | undefined> => {
  const [row] = await query<JobRow>(`SELECT ${COLUMNS} FROM denoise.jobs WHERE id = $1`, [id]);
  return row && jobOf(row);
};

export const queryJobs = async ({ query }: Session, { limit, after, states }: ListOptions): Promise<Job[]> => {
  const rows = await query<JobRow>(
    `SELECT ${COLUMNS} FROM denoise.jobs
    WHERE ($1::text IS NULL OR place > (SELECT place FROM denoise.jobs WHERE id = $1))
      AND ($2::text IS NULL OR state = ANY (string_to_array($2, ',')))
    ORDER BY place LIMIT $3`,
    [after ?? null, states?.join() ?? null, limit ?? null],
  );
  return rows.map(jobOf);
};

const change = (
  database: Database,
  id: string,
  work: (session: Session, job: JobRow) => Promise<void>,
): Promise<Job> =>
  database.transaction(async (session) => {
    const [row] = await session.query<JobRow>(`SELECT ${COLUMNS} FROM denoise.jobs WHERE id = $1 FOR UPDATE`, [id]);
    if (!row) throw new JobMissingError(`there is no job ${JSON.stringify(id)}`);
    await work(session, row);
    await notifyChanged(session, id);
    return (await getJob(session, id))!;
  });

export const cancelJob = (database: Database, id: string): Promise<Job> =>
  change(database, id, async ({ query }) => {
    await query(
      `UPDATE denoise.jobs SET
        state = CASE state WHEN 'queued' THEN 'canceled' ELSE 'canceling' END,
        turn = CASE state WHEN 'queued' THEN NULL ELSE turn END,
        ended = CASE state WHEN 'queued' THEN clock_timestamp() END
      WHERE id = $1 AND state IN ('queued', 'running')`,
      [id],
    );
  });

export const requeueJob = (database: Database, id: string, steps: number | undefined): Promise<Job> =>
  change(database, id, async (session, { state, progress, ended }) => {
    if (!ended) throw new JobStateError(`${id} cannot go on: it is ${state}`);
    const { step = 0 } = progress;
    if (state === "succeeded" && !(steps !== undefined && steps > step)) {
      throw new JobStateError(`${id} has succeeded: steps must be > ${step}, received ${steps ?? "nothing"}`);
    }
    const end = steps === undefined ? {} : { steps };
    await session.query(
      `UPDATE denoise.jobs SET
        state = 'queued', ended = NULL, failures = 0, lease = NULL,
        options = options || $2::jsonb, progress = progress || $3::jsonb
      WHERE id = $1`,
      [id, JSON.stringify(end), JSON.stringify({ ...end, exitCode: null, error: null })],
    );
    await sendTurn(database, session, id);
  });
