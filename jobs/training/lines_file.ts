import { writing } from "../disk_error.ts";

/** A file of lines that grows at its end. */
export interface LinesFile extends Disposable {
  /**
   * Appends a line.
   *
   * @throws {DiskError} if the system refuses
   */
  write(line: string): Promise<void>;
}

const NEWLINE = 10;

/** Bytes of the whole lines, from the first on, that are kept. */
const keptLength = (bytes: Uint8Array, keep: (line: string) => boolean): number => {
  const decoder = new TextDecoder();
  for (let start = 0;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0 || !keep(decoder.decode(bytes.subarray(start, end)))) return start;
    start = end + 1;
  }
};

/**
 * Opens a file of lines for appending. It ends before the first line that is not to be kept or not whole: what is behind
 * it is cut off at once, so that nothing before it can be lost on the way.
 *
 * @throws {DiskError} if the system refuses
 */
export const openLines = (path: string, { keep }: { keep: (line: string) => boolean }): Promise<LinesFile> =>
  writing(path, () => {
    const file = Deno.openSync(path, { read: true, append: true, create: true });
    try {
      const bytes = Deno.readFileSync(path), length = keptLength(bytes, keep);
      if (length < bytes.length) file.truncateSync(length);
    } catch (error) {
      file.close();
      throw error;
    }
    const encoder = new TextEncoder();
    const write = (line: string) =>
      writing(path, () => {
        let bytes = encoder.encode(`${line}\n`);
        while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
      });
    return { write, [Symbol.dispose]: () => file.close() };
  });
