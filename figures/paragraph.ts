import { type Line, typeset, type TypesetOptions } from "./typeset.ts";

/** Lines one below the other. */
export interface Paragraph {
  readonly height: number;
  /** The lines, the top left corner of the first at (x, y). */
  at(x: number, y: number): string;
}

/** Cuts at spaces, save those between dollars. */
const wordsOf = (text: string): string[] => {
  const words = [""];
  let inMath = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "\\" && i + 1 < text.length) {
      words[words.length - 1] += character + text[++i];
      continue;
    }
    if (character === "$") inMath = !inMath;
    if (character === " " && !inMath) words.push("");
    else words[words.length - 1] += character;
  }
  return words.filter((word) => word !== "");
};

/**
 * Sets text as a paragraph that is `width` wide at most, ragged on the right; `typeset` says what it may hold. A beginning
 * in bold, as "Figure 1.", comes before it.
 *
 * @throws as `typeset` does
 */
export const paragraph = (
  text: string,
  { width, head, size = 16, leading = 1.35, ...options }: TypesetOptions & {
    width: number;
    head?: string;
    /** Distance between baselines, in sizes. */
    leading?: number;
  },
): Paragraph => {
  const space = size / 4;
  const words: Line[] = [
    ...(head === undefined ? [] : wordsOf(head).map((word) => typeset(word, { size, ...options, style: "bold" }))),
    ...wordsOf(text).map((word) => typeset(word, { size, ...options })),
  ];
  const placed: { word: Line; x: number; line: number }[] = [];
  let x = 0, line = 0;
  for (const word of words) {
    if (x > 0 && x + word.width > width) [x, line] = [0, line + 1];
    placed.push({ word, x, line });
    x += word.width + space;
  }
  const step = size * leading;
  return {
    height: words.length === 0 ? 0 : (line + 1) * step,
    at: (left, top) => placed.map(({ word, x, line }) => word.at(left + x, top + line * step + size)).join("\n"),
  };
};
