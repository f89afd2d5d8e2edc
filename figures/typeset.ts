/** Text and equations as paths: they look the same wherever an SVG is opened, whatever fonts are there. */
import { MathJaxTermesFont } from "@mathjax/mathjax-termes-font/js/svg.js";
import { liteAdaptor } from "@mathjax/src/js/adaptors/liteAdaptor.js";
import { RegisterHTMLHandler } from "@mathjax/src/js/handlers/html.js";
import { TeX } from "@mathjax/src/js/input/tex.js";
import "@mathjax/src/js/input/tex/ams/AmsConfiguration.js";
import "@mathjax/src/js/input/tex/base/BaseConfiguration.js";
import { mathjax } from "@mathjax/src/js/mathjax.js";
import { SVG } from "@mathjax/src/js/output/svg.js";
import "@mathjax/src/js/util/asyncLoad/esm.js";
import { element, shortNumber } from "./svg.ts";

/** A line that has been set: how large it is, and how it is drawn. All lengths are SVG's units. */
export interface TypesetLine {
  readonly width: number;
  /** Above the baseline, of what is drawn. */
  readonly ascent: number;
  /** Below the baseline. */
  readonly descent: number;
  /** The line with its baseline at `y`, and its start, middle or end at `x`; turned by `turn` degrees around there. */
  at(x: number, y: number, options?: { anchor?: "start" | "middle" | "end"; turn?: number }): string;
}

/** How a line is set. */
export interface TypesetOptions {
  /** The font's size; 16 by default. */
  readonly size?: number;
  readonly style?: "regular" | "bold" | "italic";
  /** A colour of SVG; black by default. */
  readonly fill?: string;
}

const adaptor = liteAdaptor();
RegisterHTMLHandler(adaptor);
const output = new SVG({
  fontData: MathJaxTermesFont,
  fontCache: "none",
  mtextInheritFont: false,
  linebreaks: { inline: false },
});
const page = mathjax.document("", { InputJax: new TeX({ packages: ["base", "ams"] }), OutputJax: output });

// The glyphs of every range: setting a line never has to wait for them.
await output.font.loadDynamicFiles();

const COMMANDS = { regular: "text", bold: "textbf", italic: "textit" } as const;
const SPECIAL: Record<string, string> = { "\\": "\\backslash ", "{": "\\{", "}": "\\}", "$": "\\$" };

const texWords = (text: string, command: string): string =>
  text.split(/([\\{}$])/).filter((part) => part !== "")
    .map((part) => SPECIAL[part] ?? `\\${command}{${part}}`).join("");

/** Text as `typeset` is to draw it literally, where it may hold dollars or backslashes. */
export const escapeTex = (text: string): string => text.replace(/[\\$]/g, "\\$&");

/** "where $x_t$ is" → TeX. A backslash before a dollar or a backslash makes it one of the text. */
const toTex = (text: string, command: string): string =>
  [...text.matchAll(/\$((?:\\[^]|[^$\\])*)\$|((?:\\[\\$]|[^$])+)|\$/g)].map(([all, math, plain]) => {
    if (math !== undefined) return `{${math}}`;
    if (plain === undefined) throw new SyntaxError(`cannot set ${JSON.stringify(all)}: a $ has no partner`);
    return texWords(plain.replace(/\\([\\$])/g, "$1"), command);
  }).join("");

const NUMBER = "(-?[\\d.]+)";
const VIEW = new RegExp(`viewBox="${NUMBER} ${NUMBER} ${NUMBER} ${NUMBER}"`);
const cache = new Map<string, TypesetLine>();

const convert = (tex: string) => {
  const svg = adaptor.innerHTML(page.convert(tex, { display: false }));
  const fault = /data-mjx-error="([^"]*)"/.exec(svg);
  if (fault) throw new SyntaxError(`cannot set ${JSON.stringify(tex)}: ${fault[1]}`);
  const [, left, top, width, height] = VIEW.exec(svg)!.map(Number);
  const body = svg.slice(svg.indexOf("<g"), svg.lastIndexOf("</svg>"))
    .replace(/ data-[\w-]+="[^"]*"/g, "").replace(/ stroke="currentColor"| fill="currentColor"| stroke-width="0"/g, "")
    .replace(/<(path|rect)([^>]*)><\/\1>/g, "<$1$2/>");
  return { left, top, width, height, body };
};

/**
 * Sets one line of text in Times' likeness, with TeX between dollars: `"the latent $x_t \\sim q(x_t \\mid x_0)$"`.
 *
 * Characters that the font has not (other scripts than Latin and Greek, emoji) stay text, which a browser draws in a font
 * of its own and {@linkcode renderSvg} leaves out.
 *
 * @throws {SyntaxError} if a dollar has no partner, or what is between them is not TeX
 */
export const typeset = (
  text: string,
  { size = 16, style = "regular", fill }: TypesetOptions = {},
): TypesetLine => {
  const key = JSON.stringify([text, size, style, fill]);
  const known = cache.get(key);
  if (known) return known;
  const { left, top, width, height, body } = convert(toTex(text, COMMANDS[style]));
  const scale = size / 1000;
  const line: TypesetLine = {
    width: width * scale,
    ascent: -top * scale,
    descent: (height + top) * scale,
    at: (x, y, { anchor = "start", turn } = {}) => {
      const shift = (anchor === "start" ? 0 : anchor === "middle" ? width / 2 : width) + left;
      const turned = turn ? ` rotate(${shortNumber(turn)})` : "";
      const moved = shift === 0 ? "" : ` translate(${shortNumber(-shift)} 0)`;
      const transform = `translate(${shortNumber(x)} ${shortNumber(y)})${turned} scale(${scale})${moved}`;
      return element("g", { transform, fill }, body);
    },
  };
  cache.set(key, line);
  return line;
};

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
  const words: TypesetLine[] = [
    ...(head === undefined ? [] : wordsOf(head).map((word) => typeset(word, { size, ...options, style: "bold" }))),
    ...wordsOf(text).map((word) => typeset(word, { size, ...options })),
  ];
  const placed: { word: TypesetLine; x: number; line: number }[] = [];
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
