import type { Counters } from "./counters.ts";
import { QueueFullError } from "./errors.ts";
import { ParameterError } from "./resolve.ts";

/**
 * Lets a request of n images in.
 *
 * @throws {ParameterError} if it is larger than the queue
 * @throws {QueueFullError} if there is no room for it now
 */
export const admit = (counters: Counters, n: number): void => {
  const { pending, stats: { queue } } = counters;
  if (n > queue) throw new ParameterError([{ field: "n", received: n, allowed: `at most ${queue}, the queue` }]);
  if (pending + n <= queue) return;
  counters.end(n, "refused");
  const message = `${pending} images are under way and ${queue} may be, ${n} more were asked for`;
  throw new QueueFullError(message, { retryAfter: counters.retryAfter(n) });
};
