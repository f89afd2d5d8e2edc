/** A request that the model's noise schedule does not allow. */
export class ScheduleError extends RangeError {
  override name = "ScheduleError";
}

/** An image that is being made is no image any more: the network has answered NaN or ±∞. The same would come again. */
export class NonFiniteImageError extends Error {
  override name = "NonFiniteImageError";
}

/** One parameter refused: its name, what was received and what is allowed. */
export interface ParameterIssue {
  readonly field: string;
  readonly received: unknown;
  readonly allowed: string;
}

/** Parameters that are well formed but ask for what the model or the sampler cannot do. */
export class ParameterError extends RangeError {
  override name = "ParameterError";
  /** @param issues one entry a refused parameter */
  constructor(readonly issues: readonly ParameterIssue[]) {
    const show = ({ field, received, allowed }: ParameterIssue) =>
      `${field} must be ${allowed}, received ${JSON.stringify(received)}`;
    super(issues.map(show).join("; "));
  }
}

/** An error as it crosses from one thread to another. */
export interface ErrorDescription {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Those of a ParameterError. */
  readonly issues?: readonly ParameterIssue[];
}

/** Says what an error is. */
export const describeError = (error: unknown): ErrorDescription => {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  return error instanceof ParameterError ? { name, message, stack, issues: error.issues } : { name, message, stack };
};

/** Those that are told apart by their class: the language's, and the system's, of which a browser has none. */
const BUILT_IN: Readonly<Record<string, new (message: string) => Error>> = {
  ...(globalThis as { Deno?: Pick<typeof Deno, "errors"> }).Deno?.errors,
  RangeError,
  TypeError,
  SyntaxError,
};

const revive = ({ name, message, issues }: ErrorDescription): Error => {
  if (issues !== undefined) return new ParameterError(issues);
  if (name === "ScheduleError") return new ScheduleError(message);
  if (name === "NonFiniteImageError") return new NonFiniteImageError(message);
  if (name in BUILT_IN) return new BUILT_IN[name](message);
  return Object.assign(new Error(message), { name });
};

/** The error that a description is of: of its class where it is known here, else an Error of its name. */
export const reviveError = (description: ErrorDescription): Error => {
  const error = revive(description);
  if (description.stack !== undefined) error.stack = description.stack;
  return error;
};
