import { serverUrl } from "../api/client.ts";

/** What a block did. */
export interface CodeResult {
  /** What it printed, a line each. */
  readonly lines: readonly string[];
  /** How many assertions held, if it came to its end. */
  readonly held: number | null;
  /** Why it did not. */
  readonly error: string | null;
}

/** Milliseconds that a block may take. */
const LIMIT = 30_000;

/** Lines that are kept of what it prints. */
const MOST_LINES = 200;

/** Prints by messages, and ends with the number of assertions; one line, so that errors name the block's own. */
const PRELUDE = [
  'import { assertionsHeld as $held } from "PLAYGROUND";',
  "const $show = (v) => typeof v === 'string' ? v : ArrayBuffer.isView(v) ? `[${[...v.subarray(0, 20)].map((x) =>",
  "+x.toPrecision(6)).join(', ')}${v.length > 20 ? ', …' : ''}]` : JSON.stringify(v) ?? String(v);",
  "addEventListener('unhandledrejection', (e) => postMessage({ error: String(e.reason?.message ?? e.reason) }));",
  "console.log = (...all) => postMessage({ line: all.map($show).join(' ') });",
].join(" ");

/**
 * Runs a block of the guided reading, as JavaScript, in a Worker of its own; what it imports is the playground's.
 *
 * @param signal ends it
 * @returns resolves in any case
 */
export const runCode = (code: string, signal: AbortSignal): Promise<CodeResult> => {
  const playground = new URL(serverUrl("page/playground.js"), document.baseURI).href;
  const source = `${PRELUDE} ${code.replaceAll(/(?<=from\s*)"(@std\/assert|\.\.\/core\/mod\.ts)"/g, '"PLAYGROUND"')}
postMessage({ held: $held() });`.replaceAll("PLAYGROUND", playground);
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  const lines: string[] = [];
  const { promise, resolve } = Promise.withResolvers<CodeResult>();
  const end = (result: Omit<CodeResult, "lines">) => resolve({ lines, ...result });
  worker.onmessage = ({ data }: MessageEvent<{ line?: string; held?: number; error?: string }>) => {
    if (data.error !== undefined) end({ held: null, error: data.error });
    else if (data.held !== undefined) end({ held: data.held, error: null });
    else if (lines.length < MOST_LINES) lines.push(data.line!);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    // A failed assertion is thrown in the playground's file.
    const where = event.filename === url ? `line ${event.lineno}: ` : "";
    end({
      held: null,
      error: event.message
        ? where + event.message.replace(/^Uncaught /, "")
        : "It could not be run: it is no JavaScript, or imports what is not there.",
    });
  };
  const timer = setTimeout(() => end({ held: null, error: `It took more than ${LIMIT / 1000} seconds.` }), LIMIT);
  const onAbort = () => end({ held: null, error: "Stopped." });
  signal.addEventListener("abort", onAbort, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    worker.terminate();
    URL.revokeObjectURL(url);
  });
};
