import { ParameterError } from "../../sampling/errors.ts";
import { UsageError } from "./command.ts";
import { flagOf } from "./options.ts";

/**
 * Resolves or compiles a request as over HTTP; what the model cannot do is said in flags.
 *
 * @throws {UsageError} in the place of a ParameterError and of every other RangeError
 */
export const withFlagNames = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = error instanceof ParameterError
      ? error.issues.map(({ field, received, allowed }) =>
        `${flagOf(field)} must be ${allowed}, received ${JSON.stringify(received)}`
      ).join("; ")
      : error.message;
    throw new UsageError(message, { cause: error });
  }
};
