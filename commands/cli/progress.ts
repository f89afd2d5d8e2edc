import { amount } from "../../files/amount.ts";
import { terminalColumns } from "./terminal.ts";

/** One thing that happened in long work. `event` names it; the other fields are its facts. */
export interface ProgressEvent {
  readonly event: string;
  readonly [fact: string]: unknown;
}

/** Where progress goes: the terminal, or lines of JSON. */
export interface Reporter {
  /** Shows or writes one event. */
  report(event: ProgressEvent): void;
}

const FRAME_MILLISECONDS = 100;
const BAR_CELLS = 24;

/** Seconds as "42 s", "3:05" or "1:02:03". */
export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => i === 0 ? `${part}` : `${part}`.padStart(2, "0")).join(":");
};

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

const factsOf = ({ loss, imagesPerSecond, bytesPerSecond, secondsLeft }: ProgressEvent): string[] => [
  ...(isNumber(loss) ? [`loss ${loss.toFixed(4)}`] : []),
  ...(isNumber(imagesPerSecond) ? [`${imagesPerSecond.toPrecision(3)} images/s`] : []),
  ...(isNumber(bytesPerSecond) ? [`${amount(bytesPerSecond)}/s`] : []),
  ...(isNumber(secondsLeft) ? [`${duration(secondsLeft)} left`] : []),
];

/** The live line of one progress event, at most `columns` wide: the bar shrinks first, then facts fall off its end. */
export const progressLine = (event: ProgressEvent, columns: number): string => {
  const [step, steps] = [Number(event.step), Number(event.steps)];
  const fraction = steps > 0 ? Math.min(1, step / steps) : 0;
  const done = event.unit === "bytes" ? `${amount(step)} of ${amount(steps)}` : `${step}/${steps}`;
  const text = [`${Math.floor(fraction * 100)}%`, done, ...factsOf(event)];
  while (text.length > 2 && text.join("  ").length > columns) text.pop();
  const words = text.join("  ").slice(0, Math.max(0, columns));
  const cells = Math.min(BAR_CELLS, columns - words.length - 1);
  if (cells < 4) return words;
  const full = Math.round(fraction * cells);
  return `${"█".repeat(full)}${"░".repeat(cells - full)} ${words}`;
};

const listed = ({ event, ...facts }: ProgressEvent): string => {
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  return `${event}${shown.length > 0 ? `: ${shown.map(([key, value]) => `${key} ${value}`).join(", ")}` : ""}`;
};

const SENTENCES: Record<string, (event: ProgressEvent) => string> = {
  start: (event) => {
    if (event.run === undefined) return listed(event);
    return `Run ${event.run}: ${event.steps} steps${event.engine === undefined ? "" : ` on ${event.engine}`}`;
  },
  status: ({ message }) => `${String(message)[0].toUpperCase()}${String(message).slice(1)} …`,
  checkpoint: ({ step, folder }) => `Step ${step}: wrote ${folder}`,
  sample: ({ step, file }) => `Step ${step}: drew ${file}`,
  pull: ({ repo, revision, files, bytes }) =>
    `Pulling ${repo} at ${revision}: ${files} files${isNumber(bytes) ? `, ${amount(bytes)}` : ""}`,
  fetch: ({ package: name, bytes, licence }) =>
    `Fetching ${name}${isNumber(bytes) ? `, ${amount(bytes)}` : ""}. Licence: ${licence}`,
  skipped: ({ file, reason }) => `Skipped ${file}: ${reason}`,
  prepared: ({ data, images, skipped, skippedBy, seconds, folder }) => {
    const reasons = Object.entries(skippedBy ?? {}).map(([kind, files]) => `${files} ${kind}`).join(", ");
    return `Prepared ${data}: ${images} images in ${duration(Number(seconds))}, in ${folder}` +
      (Number(skipped) > 0 ? `; ${skipped} skipped (${reasons}), listed in ${folder}/skipped.txt` : "");
  },
  data: ({ data, images, height, width, channels, classes }) =>
    `${data}: ${images} images of ${height}×${width}×${channels}` +
    (Array.isArray(classes) ? `, ${classes.length} classes` : ", no classes"),
  stopped: ({ step, resume }) =>
    `Stopped${step === undefined ? "" : ` at step ${step}`}.${resume === undefined ? "" : ` To go on: ${resume}`}`,
  done: ({ run, file, train, seconds }) => {
    const result = file ?? run ?? train;
    return `Done${isNumber(seconds) ? ` in ${duration(seconds)}` : ""}${result === undefined ? "" : `: ${result}`}`;
  },
  error: ({ message }) => `error: ${message}`,
};

/** Events of which there are many: the last one is shown as a live line. */
const isLive = ({ event }: ProgressEvent): boolean => event === "progress" || event === "preparing";

const sentence = (event: ProgressEvent): string => (SENTENCES[event.event] ?? listed)(event);

const terminalReporter = (write: (text: string) => void, columns: () => number, now: () => number): Reporter => {
  let drawn = "";
  let drawnAt = -Infinity;
  return {
    report: (event) => {
      if (isLive(event)) {
        if (now() - drawnAt < FRAME_MILLISECONDS && event.step !== event.steps) return;
        drawnAt = now();
        drawn = progressLine(event, columns() - 1);
        write(`\r\x1b[K${drawn}`);
        return;
      }
      const ends = ["done", "stopped", "error"].includes(event.event);
      if (ends && drawn !== "") write("\n");
      else if (drawn !== "") write("\r\x1b[K");
      write(`${sentence(event)}\n`);
      if (ends) drawn = "";
      else write(drawn);
    },
  };
};

const jsonReporter = (write: (text: string) => void, milliseconds: number, now: () => number): Reporter => {
  let writtenAt = -Infinity;
  return {
    report: (event) => {
      if (isLive(event)) {
        if (now() - writtenAt < milliseconds && event.step !== event.steps) return;
        writtenAt = now();
      }
      write(`${JSON.stringify(event)}\n`);
    },
  };
};

const writeAll = (stream: { writeSync(bytes: Uint8Array): number }, text: string): void => {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
};

/**
 * A reporter of long work. On a terminal: one live line (bar, loss, rate, time left), redrawn at most ten times a
 * second, the other events as sentences above it. Elsewhere: every event as one line of JSON on stdout.
 *
 * @param options.jsonMilliseconds the least time between two progress events as JSON; 0 writes them all
 */
export const createReporter = ({
  jsonMilliseconds = 0,
  terminal = Deno.stdout.isTerminal(),
  write = (text: string) => writeAll(Deno.stdout, text),
  columns = () => terminalColumns(Deno.stdout),
  now = () => performance.now(),
}: {
  jsonMilliseconds?: number;
  terminal?: boolean;
  write?: (text: string) => void;
  columns?: () => number;
  now?: () => number;
} = {}): Reporter => terminal ? terminalReporter(write, columns, now) : jsonReporter(write, jsonMilliseconds, now);
