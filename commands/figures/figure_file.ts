import { basename, dirname, extname, join } from "@std/path";
import { renderSvg } from "../../figures/render_svg.ts";
import { createBeside } from "../create_beside.ts";
import { UsageError } from "../usage_error.ts";

/** The files of a figure. */
export interface FigureFiles {
  /** Their paths. */
  readonly paths: readonly string[];
  /** Writes the figure; each file moves to its place when it is whole. */
  write(svg: string): Promise<void>;
  /** Removes what is left beside them; after `write` nothing is. */
  [Symbol.dispose](): void;
}

const OTHERS = [".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".eps", ".npy", ".npz"];

const pathsOf = (out: string): string[] => {
  const ending = extname(out).toLowerCase();
  if (OTHERS.includes(ending)) {
    throw new UsageError(`--out must end in .svg or .png, or in neither for both, received ${JSON.stringify(out)}`);
  }
  return ending === ".svg" || ending === ".png" ? [out] : [`${out}.svg`, `${out}.png`];
};

/**
 * Opens the files of a figure before any work is done for it: NAME.svg and NAME.png, or the one that `out` names.
 *
 * @param command the command whose --out it is
 * @throws {UsageError} if a place cannot be written, or `out` has an ending of something else
 */
export const openFigureFiles = (out: string, command: string): FigureFiles => {
  const files: { path: string; beside: string }[] = [];
  const discard = () => files.splice(0).forEach(({ beside }) => Deno.removeSync(beside));
  try {
    for (const path of pathsOf(out)) {
      const beside = join(dirname(path), `.${basename(path)}.${Deno.pid}.partial`);
      createBeside(beside, path, command).close();
      files.push({ path, beside });
    }
  } catch (error) {
    discard();
    throw error;
  }
  return {
    paths: files.map(({ path }) => path),
    write: async (svg) => {
      for (const { path, beside } of files) {
        const isPng = extname(path).toLowerCase() === ".png";
        await Deno.writeFile(beside, isPng ? await renderSvg(svg) : new TextEncoder().encode(svg));
      }
      for (const { path, beside } of files.splice(0)) await Deno.rename(beside, path);
    },
    [Symbol.dispose]: discard,
  };
};
