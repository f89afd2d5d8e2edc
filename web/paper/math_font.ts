/// <reference lib="deno.ns" />
import { Buffer } from "node:buffer";
import subsetFont from "subset-font";

const FONT = "@fontsource/stix-two-math/files/stix-two-math-latin-400-normal.woff2";

/** Browsers show a letter that stands alone in `mi` as a mathematical italic, which has a place of its own in Unicode. */
const italicOf = (letter: string): string => {
  const code = letter.codePointAt(0)!;
  const from = (first: string, last: string, italic: number): string =>
    letter >= first && letter <= last ? String.fromCodePoint(italic + code - first.codePointAt(0)!) : "";
  if (letter === "h") return "\u210e";
  if (letter === "ϵ") return "\u{1d716}";
  return from("a", "z", 0x1d44e) || from("A", "Z", 0x1d434) || from("α", "ω", 0x1d6fc) || from("Α", "Ω", 0x1d6e2);
};

/** What browsers draw without it being in the text: roots, and what stretches. */
const DRAWN = "√|‖()[]{}⏞⏟‾ˆ˜¯";

const unescape = (text: string): string =>
  text.replaceAll(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(parseInt(code, 16)))
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/**
 * The part of STIX Two Math that the equations of a page are set with. Few systems have a font with the table that tells
 * how equations are laid out.
 *
 * @param html holds the equations as MathML
 */
export const subsetMathFont = async (html: string): Promise<Uint8Array> => {
  const equations = html.match(/<math[^]*?<\/math>/g) ?? [];
  const text = unescape(equations.join("").replaceAll(/<[^>]+>/g, ""));
  const alone = equations.flatMap((equation) =>
    [...equation.matchAll(/<mi>([^<])<\/mi>/gu)].map(([, letter]) => letter)
  );
  const glyphs = new Set([...DRAWN, ...text, ...alone.map(italicOf)]);
  const font = Buffer.from(await Deno.readFile(new URL(import.meta.resolve(FONT))));
  return new Uint8Array(await subsetFont(font, [...glyphs].sort().join(""), { targetFormat: "woff2" }));
};
