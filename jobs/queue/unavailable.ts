import { JobsUnavailableError } from "../jobs.ts";

/** PostgreSQL's classes of errors that pass: connection, resources, operator's intervention; and the system's. */
const PASSING = /^(08|53|57|58|E[A-Z]+$)/;

const SAID = /terminat|timeout|timed out|connect|closed|not opened|broke/i;

/** What of a database's errors says that it cannot be had now; others are given back as they are. */
export const unavailable = (error: unknown): unknown => {
  const { name, message, code = "", errors } = error as Error & { code?: string; errors?: Error[] };
  if (name.startsWith("Job")) return error;
  if (!PASSING.test(code) && !SAID.test(message)) return error;
  const said = message || errors?.[0]?.message || code;
  return new JobsUnavailableError(`the jobs cannot be had now: ${said}`, { cause: error });
};
