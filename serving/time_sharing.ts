/** Lets what this thread has to do go on: timers, promises, callbacks. */
const pauseThread = (): Promise<void> => new Promise((resume) => setImmediate(resume));

/** How a thread that is never idle receives the messages of another. */
export interface Mailbox {
  /** Takes note that a message was received. */
  receive(): void;
  /** Pauses until every message that was sent has been received. */
  pause(): Promise<void>;
}

/**
 * Makes a mailbox.
 *
 * In Deno 2.9, a thread that goes on by `setImmediate` receives messages only every 30 turns or so, and at once
 * when it is idle for a moment; but a timer of 0 ms takes 2. So it is idle only where there is something to receive.
 *
 * @param sent one number in shared memory: the messages that were sent, counted by who sends them
 */
export const createMailbox = (sent: Int32Array): Mailbox => {
  let received = 0;
  return {
    receive: () => {
      received++;
    },
    pause: async () => {
      await pauseThread();
      while (received < Atomics.load(sent, 0)) await new Promise((resume) => setTimeout(resume, 0));
    },
  };
};

/** One of several that share a thread and its engine. */
export interface Stepper {
  readonly hasWork: () => boolean;
  /** Does one step. */
  readonly step: () => void;
}

/** Lets steppers have the thread in turn. */
export interface TimeSharing {
  /** @returns what takes the stepper away again */
  add(stepper: Stepper): () => void;
  /** Says that a stepper may have work. */
  wake(): void;
  /** Gives no more turns. */
  stop(): void;
}

/**
 * Gives each turn to the stepper, of those with work, that has had the thread for the least time; so steppers with work
 * share it equally, whatever their steps take. One that had no work meanwhile has no claim to the time that it missed.
 *
 * @param options.pause lets messages and timers through between two turns
 * @param options.idle called where no stepper has work; true if it did something and there may be more
 * @param options.onError called, one pause later, with what a step or `idle` threw
 */
export const createTimeSharing = (
  {
    pause = pauseThread,
    now = () => performance.now(),
    idle = () => false,
    onError = () => {},
  }: {
    pause?: () => Promise<void>;
    now?: () => number;
    idle?: () => boolean;
    onError?: (error: unknown) => void;
  } = {},
): TimeSharing => {
  let shares: { stepper: Stepper; spent: number; isBusy: boolean }[] = [];
  let running = false;
  let stopped = false;
  /** The time that whoever had the last turn had had before it. */
  let least = 0;

  const next = () => {
    for (const share of shares) {
      const isBusy = share.stepper.hasWork();
      if (isBusy && !share.isBusy) share.spent = Math.max(share.spent, least);
      share.isBusy = isBusy;
    }
    const busy = shares.filter(({ isBusy }) => isBusy);
    return busy.length === 0 ? null : busy.reduce((a, b) => b.spent < a.spent ? b : a);
  };

  /** One turn; false where there was nothing to do. */
  const turn = (): boolean => {
    const share = next();
    if (share === null) return idle();
    least = share.spent;
    const started = now();
    try {
      share.stepper.step();
    } finally {
      share.spent += now() - started;
    }
    return true;
  };

  const run = async () => {
    for (let more = true; more && !stopped;) {
      let failure: { error: unknown } | null = null;
      try {
        more = turn();
      } catch (error) {
        failure = { error };
      }
      if (more) await pause();
      if (failure !== null) onError(failure.error);
    }
    running = false;
  };

  return {
    add: (stepper) => {
      shares.push({ stepper, spent: 0, isBusy: false });
      return () => {
        shares = shares.filter((share) => share.stepper !== stepper);
      };
    },
    wake: () => {
      if (running || stopped) return;
      running = true;
      // The first turn waits too, so that tasks submitted together share it.
      pause().then(run);
    },
    stop: () => {
      stopped = true;
    },
  };
};
