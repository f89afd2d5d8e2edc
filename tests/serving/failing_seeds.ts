/** A request of this seed makes the engine of failing_worker.ts fail. */
export const FAILING_SEED = 404;

/** A request of this seed makes failing_worker.ts die. */
export const DYING_SEED = 405;
