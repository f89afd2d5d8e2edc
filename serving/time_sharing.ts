/** Lets what this thread has to do go on: timers, promises, callbacks. */
const pauseThread = (): Promise<void> => new Promise((resume) => setImmediate(resume));

/** How a thread that is never idle hears the messages of another. */
export interface Mailbox {
  /** Takes note that a message was heard. */
  receive(): void;
  /** Pauses until every message that was sent is heard. */
  pause(): Promise<void>;
}

/**
 * Makes a mailbox.
 *
 * In Deno 2.9, a thread that goes on by `setImmediate` hears other threads only every 30 turns or so, and it does so soon
 * when it is idle for a moment; but a timer of 0 ms takes 2. So it is idle only where there is something to hear.
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

/** Lets lanes have the thread in turn. */
export interface TimeSharing {
  /** @returns what takes the lane away again */
  add(lane: Stepper): () => void;
  /** Says that a lane may have work. */
  wake(): void;
  /** Gives no more turns. */
  stop(): void;
}

/**
 * Gives each turn to the lane, of those with work, that has had the thread for the least time; so lanes with work share
 * it equally, whatever their steps take. A lane that had no work meanwhile has no claim to the time that it missed.
 *
 * @param options.pause lets messages and timers through between two turns
 * @param options.idle called where no lane has work; true if it did something and there may be more
 * @param options.onError is told, one pause later, what a lane's step or `idle` threw
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
  let seats: { lane: Stepper; spent: number; isBusy: boolean }[] = [];
  let running = false;
  let stopped = false;
  /** The time that whoever had the last turn had had before it. */
  let least = 0;

  const next = () => {
    for (const seat of seats) {
      const isBusy = seat.lane.hasWork();
      if (isBusy && !seat.isBusy) seat.spent = Math.max(seat.spent, least);
      seat.isBusy = isBusy;
    }
    const busy = seats.filter(({ isBusy }) => isBusy);
    return busy.length === 0 ? null : busy.reduce((a, b) => b.spent < a.spent ? b : a);
  };

  /** One turn; false where there was nothing to do. */
  const turn = (): boolean => {
    const seat = next();
    if (seat === null) return idle();
    least = seat.spent;
    const started = now();
    try {
      seat.lane.step();
    } finally {
      seat.spent += now() - started;
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
    add: (lane) => {
      seats.push({ lane, spent: 0, isBusy: false });
      return () => {
        seats = seats.filter((seat) => seat.lane !== lane);
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
