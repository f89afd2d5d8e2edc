/** How a contender's process is started. */
export interface ContenderProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** A program that answers a line of JSON with a line of JSON. */
export interface JsonProcess<Question, Answer> {
  readonly pid: number;
  /** What it said when it was ready, and how long that took from its start. */
  readonly greeting: { readonly description: string };
  readonly secondsToReady: number;
  /** @throws {Error} with what it wrote on stderr, if it ends instead of answering */
  request(question: Question): Promise<Answer>;
  close(): Promise<void>;
}

/** What a program wrote on its way out: the line with its error, or its last ones. */
const errorLineOf = (stderr: string): string => {
  // deno-lint-ignore no-control-regex
  const lines = stderr.replace(/\x1b\[\d*m/g, "").split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const error = lines.findIndex((line) => /^error: |^\w*Error: /.test(line));
  return error < 0 ? lines.slice(-3).join(" ") : lines[error].replace(/^error: (Uncaught \(in promise\) )?/, "");
};

/**
 * Starts a program and waits for its first line, `{description}`.
 *
 * @throws {Error} with what it wrote on stderr, if it ends before
 */
export const startJsonProcess = async <Question, Answer>(
  { name, command, args }: ContenderProgram,
): Promise<JsonProcess<Question, Answer>> => {
  const started = performance.now();
  const child = new Deno.Command(command, { args: [...args], stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const complaints = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = child.stdin.getWriter();
  let buffered = "";
  const read = async () => {
    while (!buffered.includes("\n")) {
      const { value, done } = await lines.read();
      if (done) throw new Error(`${name}: ${errorLineOf(await complaints)}`);
      buffered += value;
    }
    const end = buffered.indexOf("\n");
    const line = buffered.slice(0, end);
    buffered = buffered.slice(end + 1);
    return JSON.parse(line);
  };
  const greeting = await read();
  return {
    pid: child.pid,
    greeting,
    secondsToReady: (performance.now() - started) / 1000,
    request: async (question) => {
      // A pipe that is broken shows as the end of its answers.
      await writer.write(new TextEncoder().encode(JSON.stringify(question) + "\n")).catch(() => {});
      return await read();
    },
    close: async () => {
      await writer.close().catch(() => {});
      await child.status;
    },
  };
};
