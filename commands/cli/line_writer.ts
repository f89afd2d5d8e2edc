import { trace } from "@opentelemetry/api";

/** Writes lines to a stream that others may be slow to read, or do not read at all. */
export interface LineWriter {
  /** Takes a line, without its end; never waits. It is left out where too much waits to be written. */
  readonly write: (line: string) => void;
  /** Lines that were left out, or could not be written. */
  readonly dropped: () => number;
  /** Waits until all is written, for so many milliseconds at most. */
  readonly close: (milliseconds?: number) => Promise<void>;
}

/** Characters that may wait while others are being written. */
const MOST_WAITING = 2 ** 20;

/** Milliseconds until a stream is tried again that somebody has set not to wait. */
const AGAIN = 20;

const sleep = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));

/**
 * Makes a writer. A pipe holds 64 KiB; once it is full, `console` stops the thread until somebody reads. Here another
 * thread waits, and what comes meanwhile is kept up to a bound.
 *
 * @param stream as `Deno.stderr`
 * @param describe the line that tells, where they would have stood, how many were left out
 */
export const createLineWriter = (
  stream: { write(bytes: Uint8Array): Promise<number> },
  describe: (dropped: number) => string,
): LineWriter => {
  let waiting: string[] = [];
  let size = 0;
  let untold = 0;
  let dropped = 0;
  let writing: Promise<void> | null = null;

  const writeAll = async (text: string) => {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(await stream.write(bytes));
      } catch (error) {
        if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        await sleep(AGAIN);
      }
    }
  };
  const writeWaiting = async () => {
    while (waiting.length > 0 || untold > 0) {
      const [lines, left] = [waiting, untold];
      [waiting, size, untold] = [[], 0, 0];
      const all = left === 0 ? lines : [...lines, describe(left)];
      // Nobody will ever read them.
      await writeAll(`${all.join("\n")}\n`).catch(() => dropped += lines.length);
    }
    writing = null;
  };

  return {
    write: (line) => {
      if (size + line.length > MOST_WAITING) {
        untold++;
        dropped++;
        return;
      }
      waiting.push(line);
      size += line.length + 1;
      writing ??= writeWaiting();
    },
    dropped: () => dropped,
    close: async (milliseconds = 1000) => {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, milliseconds);
      await Promise.race([writing, late]);
      clearTimeout(timer);
    },
  };
};

/** The words for lines that were left out. */
export const describeDropped = (dropped: number): string => `${dropped} lines dropped: those before were not read`;

/** Whether OpenTelemetry's signals are exported, as with OTEL_DENO. */
const isExported = (): boolean => trace.getTracer("denoise").startSpan("probe").isRecording();

/**
 * The writer of a program that others wait for. Where OpenTelemetry's signals are exported, it is `console`, which Deno
 * takes the logs from: with OTEL_DENO_CONSOLE=replace it writes nothing itself, else it waits for readers.
 *
 * @param describe the line that tells how many were left out
 */
export const writeLinesTo = (name: "stdout" | "stderr", describe: (dropped: number) => string): LineWriter => {
  if (!isExported()) return createLineWriter(Deno[name], describe);
  const write = (line: string) => name === "stdout" ? console.log(line) : console.error(line);
  return { write, dropped: () => 0, close: () => Promise.resolve() };
};
