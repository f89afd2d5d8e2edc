/** Lets what this thread has to do go on: timers, promises, callbacks. */
export const pause = (): Promise<void> => new Promise((resume) => setImmediate(resume));

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
      await pause();
      while (received < Atomics.load(sent, 0)) await new Promise((resume) => setTimeout(resume, 0));
    },
  };
};
