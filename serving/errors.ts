/** The queue has no room for a request: try again later. */
export class QueueFullError extends Error {
  override name = "QueueFullError";
  /** Seconds after which there may be room; at least 1. */
  readonly retryAfter: number;

  constructor(message: string, { retryAfter = 1 }: { retryAfter?: number } = {}) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** A request was not done in the time that it gave. */
export class DeadlineError extends Error {
  override name = "DeadlineError";
}

/** The engine failed, or its Worker died, while it worked on a request. The same request may well succeed later. */
export class EngineFailedError extends Error {
  override name = "EngineFailedError";
  /** The request's, as `RunOptions` gave it. */
  readonly id: string;

  constructor(message: string, { id, cause }: { id: string; cause?: unknown }) {
    super(message, { cause });
    this.id = id;
  }
}

/** Nothing is served any more: it was closed, or the Worker could not be started again. */
export class UnavailableError extends Error {
  override name = "UnavailableError";
}

/** A model cannot be added, replaced or removed as the models stand. */
export class ModelConflictError extends Error {
  override name = "ModelConflictError";
}

/** A folder holds no model that can be served. Its message is one line. */
export class ModelRefusedError extends Error {
  override name = "ModelRefusedError";
}

/** There is no model of that name. */
export class NoModelError extends Error {
  override name = "NoModelError";
}

/** The model was replaced or removed after a request had been prepared for it: ask again. */
export class ModelChangedError extends Error {
  override name = "ModelChangedError";
}

/** A request that the model's noise schedule does not allow. */
export class ScheduleError extends RangeError {
  override name = "ScheduleError";
}
