/** One parameter that the server refused. */
export interface Issue {
  readonly field: string;
  readonly received: unknown;
  readonly allowed: string;
}

/** What the server answers in the place of what was asked for (RFC 9457). */
export class Problem extends Error {
  override name = "Problem";

  constructor(
    readonly status: number,
    detail: string,
    readonly issues: readonly Issue[] = [],
    readonly requestId?: string,
    /** Seconds after which to try again. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

/** The server could not be reached, or went away within its answer. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** Makes a problem of the body of one. */
export const problemOf = (
  body: { status?: number; detail?: string; errors?: Issue[]; requestId?: string } | null,
  status: number,
  retryAfter: string | null = null,
): Problem =>
  new Problem(
    body?.status ?? status,
    body?.detail ?? `the server answered ${status}`,
    body?.errors ?? [],
    body?.requestId,
    retryAfter === null || Number.isNaN(Number(retryAfter)) ? null : Number(retryAfter),
  );

/** Whether it is worth asking again once the server is ready: it was away, starting, stopping or its engine lost. */
export const isPassing = (error: unknown): boolean =>
  error instanceof Unreachable || (error instanceof Problem && error.status === 503);
