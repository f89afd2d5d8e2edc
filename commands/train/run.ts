import { type Lease, takeLease } from "../../jobs/lease/lease.ts";
import { readOptionsLine } from "../../jobs/options_line.ts";
import { TRY_AGAIN } from "../../training/errors.ts";
import { type TrainOptions, trainOptions } from "../../training/recipe.ts";
import { train } from "../../training/train.ts";
import { UsageError } from "../cli/command.ts";
import { inFlags } from "../cli/in_flags.ts";
import { listenForInterrupt } from "../cli/interrupt.ts";
import { createReporter } from "../cli/progress.ts";

/** A signal that aborts when standard input ends, which it does when the program that holds its other end is gone. */
const endOfInput = (): AbortSignal => {
  const controller = new AbortController();
  const drain = async () => {
    for await (const _ of Deno.stdin.readable);
  };
  drain().catch(() => {}).finally(() => controller.abort(new Error("standard input ended")));
  return controller.signal;
};

/** Ends the process at once: what it was about to write is another's to write now. */
const endWithoutLease = (): never => {
  console.error("error: the lease has run out: the worker that held this run is gone, or was paused");
  Deno.exit(TRY_AGAIN);
};

/**
 * Takes a lease from standard input, without which this process ends at once.
 *
 * @returns the lease; `check`, to be called before something is written, does not return if it has run out
 */
const holdLease = async (): Promise<Lease & { check: () => void }> => {
  const lease = await takeLease(endWithoutLease);
  const check = () => {
    if (!lease.isHeld()) endWithoutLease();
  };
  return { ...lease, check };
};

/**
 * The options that standard input begins with.
 *
 * @throws {UsageError} if they are none
 */
const optionsOfInput = (): TrainOptions => {
  try {
    const { data, error } = trainOptions.safeParse(readOptionsLine());
    if (data) return data;
    const [{ path, message }] = error.issues;
    throw new UsageError(`${path.join(".") || "the options"} on standard input: ${message}`);
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
};

/**
 * Trains until the last step, Ctrl-C or SIGTERM, and, for whoever started this process, until its input ends or its lease
 * does.
 */
export const runTrain = async (given: TrainOptions): Promise<void> => {
  using interrupt = listenForInterrupt();
  const options = given.optionsFromStdin ? optionsOfInput() : given;
  const signals = [interrupt.signal];
  if (options.stopAtEof) signals.push(endOfInput());
  using lease = options.lease ? await holdLease() : null;
  if (lease) signals.push(lease.ended);
  try {
    await train(options, {
      signal: AbortSignal.any(signals),
      checkLease: lease?.check,
      report: createReporter({ jsonMilliseconds: 1000 }).report,
    });
  } catch (cause) {
    throw inFlags(cause);
  }
};
