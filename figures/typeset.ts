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
import { element, short } from "./svg.ts";

/** A line that has been set: how large it is, and how it is drawn. All lengths are SVG's units. */
export interface Line {
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

const words = (text: string, command: string): string =>
  text.split(/([\\{}$])/).filter((part) => part !== "")
    .map((part) => SPECIAL[part] ?? `\\${command}{${part}}`).join("");

/** Text as `typeset` is to draw it literally, where it may hold dollars or backslashes. */
export const literally = (text: string): string => text.replace(/[\\$]/g, "\\$&");

/** "where $x_t$ is" → TeX. A backslash before a dollar or a backslash makes it one of the text. */
const toTex = (text: string, command: string): string =>
  [...text.matchAll(/\$((?:\\[^]|[^$\\])*)\$|((?:\\[\\$]|[^$])+)|\$/g)].map(([all, math, plain]) => {
    if (math !== undefined) return `{${math}}`;
    if (plain === undefined) throw new SyntaxError(`cannot set ${JSON.stringify(all)}: a $ has no partner`);
    return words(plain.replace(/\\([\\$])/g, "$1"), command);
  }).join("");

const NUMBER = "(-?[\\d.]+)";
const VIEW = new RegExp(`viewBox="${NUMBER} ${NUMBER} ${NUMBER} ${NUMBER}"`);
const cache = new Map<string, Line>();

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
): Line => {
  const key = JSON.stringify([text, size, style, fill]);
  const known = cache.get(key);
  if (known) return known;
  const { left, top, width, height, body } = convert(toTex(text, COMMANDS[style]));
  const scale = size / 1000;
  const line: Line = {
    width: width * scale,
    ascent: -top * scale,
    descent: (height + top) * scale,
    at: (x, y, { anchor = "start", turn } = {}) => {
      const shift = (anchor === "start" ? 0 : anchor === "middle" ? width / 2 : width) + left;
      const turned = turn ? ` rotate(${short(turn)})` : "";
      const moved = shift === 0 ? "" : ` translate(${short(-shift)} 0)`;
      const transform = `translate(${short(x)} ${short(y)})${turned} scale(${scale})${moved}`;
      return element("g", { transform, fill }, body);
    },
  };
  cache.set(key, line);
  return line;
};
