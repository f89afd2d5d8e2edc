import type { OptionValues } from "./jobs.ts";

/** The most bytes of such a line. */
const LONGEST = 2 ** 20;

/**
 * Options as a process is told them: one line of JSON, the first of its standard input. So a value may hold any text, a
 * comma or a dash at its beginning, and needs no room on a command line. What is null is left out.
 */
export const optionsLine = (options: OptionValues): string =>
  `${JSON.stringify(Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null)))}\n`;

/**
 * Reads that line, and nothing behind it: what follows is a lease's.
 *
 * @throws {SyntaxError} if standard input begins with no line of JSON
 */
export const readOptionsLine = (): unknown => {
  const bytes = new Uint8Array(LONGEST);
  let length = 0;
  do {
    if (length === LONGEST) throw new SyntaxError(`standard input must begin with a line of at most ${LONGEST} bytes`);
    const read = Deno.stdin.readSync(bytes.subarray(length, length + 1));
    if (read === null) throw new SyntaxError("standard input must begin with a line of JSON, and ended within it");
    length += read;
  } while (bytes[length - 1] !== "\n".charCodeAt(0));
  try {
    return JSON.parse(new TextDecoder().decode(bytes.subarray(0, length)));
  } catch (cause) {
    throw new SyntaxError(`standard input must begin with a line of JSON: ${(cause as Error).message}`, { cause });
  }
};
