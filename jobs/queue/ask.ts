import { type Job, JobExistsError, JobMissingError, JobStateError, type ListOptions } from "../jobs.ts";
import type { OptionValues } from "../launch.ts";
import type { Database, Session } from "./database.ts";
import { COLUMNS, jobOf, type JobRow, runOf } from "./row.ts";
import { sendTurn, tell } from "./turns.ts";

/** What people do with jobs. Names and errors are those of {@linkcode Jobs}. */
export const addJob = (database: Database, id: string, options: OptionValues): Promise<Job> =>
  database.transaction(async (session) => {
    const [row] = await session.query<JobRow>(
      `INSERT INTO denoise.jobs (id, options, state) VALUES ($1, $2::jsonb, 'waiting')
      ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
      [id, JSON.stringify(options)],
    );
    if (!row) throw new JobExistsError(`${runOf(id)} is there already: choose another name`);
    await sendTurn(database, session, id);
    await tell(session, id);
    return jobOf(row);
  });

export const getJob = async ({ query }: Session, id: string): Promise<Job | undefined> => {
  const [row] = await query<JobRow>(`SELECT ${COLUMNS} FROM denoise.jobs WHERE id = $1`, [id]);
  return row && jobOf(row);
};

export const listJobs = async ({ query }: Session, { limit, after, states }: ListOptions): Promise<Job[]> => {
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
    await tell(session, id);
    return (await getJob(session, id))!;
  });

export const stopJob = (database: Database, id: string): Promise<Job> =>
  change(database, id, async ({ query }) => {
    await query(
      `UPDATE denoise.jobs SET
        state = CASE state WHEN 'waiting' THEN 'stopped' ELSE 'stopping' END,
        turn = CASE state WHEN 'waiting' THEN NULL ELSE turn END,
        ended = CASE state WHEN 'waiting' THEN clock_timestamp() END
      WHERE id = $1 AND state IN ('waiting', 'running')`,
      [id],
    );
  });

export const resumeJob = (database: Database, id: string, steps: number | undefined): Promise<Job> =>
  change(database, id, async (session, { state, progress, ended }) => {
    if (!ended) throw new JobStateError(`${id} cannot go on: it is ${state}`);
    const { step = 0 } = progress;
    if (state === "succeeded" && !(steps !== undefined && steps > step)) {
      throw new JobStateError(`${id} has succeeded: steps must be > ${step}, received ${steps ?? "nothing"}`);
    }
    const end = steps === undefined ? {} : { steps };
    await session.query(
      `UPDATE denoise.jobs SET
        state = 'waiting', ended = NULL, failures = 0, lease = NULL,
        options = options || $2::jsonb, progress = progress || $3::jsonb
      WHERE id = $1`,
      [id, JSON.stringify(end), JSON.stringify({ ...end, exitCode: null, error: null })],
    );
    await sendTurn(database, session, id);
  });
