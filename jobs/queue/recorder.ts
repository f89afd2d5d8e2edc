import type { TrainingEvent } from "../events.ts";
import type { Claim } from "./claim.ts";
import type { Session } from "./database.ts";
import { type Entry, record } from "./record.ts";

/** Milliseconds for which entries are gathered before they are written together. */
const GATHER = 200;

/** Milliseconds to wait when the database does not answer. */
const RETRY = 500;

/** Entries that are held while it does not; of more, the oldest lines and progress go. */
const MOST = 2000;

const LONGEST_LINE = 2000;

/** Milliseconds from one progress event to the next that is kept. */
const PROGRESS_EVERY = 900;

/** Writes down what an attempt's process says, in order, as soon as the database takes it. */
export interface Recorder {
  readonly onEvent: (event: TrainingEvent) => void;
  readonly onLine: (line: string) => void;
  /** Waits until all is written, or the claim is lost, or `signal` aborts. */
  flush(signal: AbortSignal): Promise<void>;
}

const isSmall = (entry: Entry): boolean => "line" in entry || entry.event.event === "progress";

/**
 * Makes a recorder.
 *
 * @param onLost called when the database says that the claim is lost
 */
export const createRecorder = (session: Session, claim: Claim, onLost: () => void): Recorder => {
  let entries: Entry[] = [];
  let lastProgress = -Infinity;
  let isLost = false;
  let writing: Promise<void> | null = null;

  const write = async () => {
    await new Promise((resume) => setTimeout(resume, GATHER));
    while (entries.length > 0 && !isLost) {
      const taken = entries;
      entries = [];
      try {
        if (await record(session, claim, taken)) continue;
        isLost = true;
        onLost();
      } catch {
        entries = [...taken, ...entries];
        await new Promise((resume) => setTimeout(resume, RETRY));
      }
    }
    writing = null;
  };
  const add = (entry: Entry) => {
    entries.push(entry);
    if (entries.length > MOST) entries = entries.filter((one, i) => i >= MOST / 2 || !isSmall(one));
    writing ??= write();
  };

  return {
    onEvent: (event) => {
      if (event.event === "progress") {
        const now = performance.now();
        const isLast = event.step === event.steps;
        if (!isLast && now - lastProgress < PROGRESS_EVERY) return;
        lastProgress = now;
      }
      add({ event });
    },
    onLine: (line) => add({ line: line.slice(0, LONGEST_LINE) }),
    flush: async (signal) => {
      const given = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      while (writing && !signal.aborted) await Promise.race([writing, given]);
    },
  };
};
