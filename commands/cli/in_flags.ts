import { ParameterError } from "../../sampling/errors.ts";
import { UsageError } from "./command.ts";
import { flagOf } from "./options.ts";

/** A ParameterError as a UsageError that says it in flags; what is another error stays as it is. */
export const inFlags = (error: unknown): unknown => {
  if (!(error instanceof ParameterError)) return error;
  const message = error.issues.map(({ field, received, allowed }) =>
    `${flagOf(field)} must be ${allowed}, received ${JSON.stringify(received)}`
  ).join("; ");
  return new UsageError(message, { cause: error });
};

/**
 * Resolves or compiles a request as over HTTP; what the model cannot do is said in flags.
 *
 * @throws {UsageError} in the place of a ParameterError and of every other RangeError
 */
export const withFlagNames = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const told = inFlags(error);
    throw told === error && error instanceof RangeError ? new UsageError(error.message, { cause: error }) : told;
  }
};
