/**
 * Figures: the paper's pictures and charts as SVG and PNG, written by hand. They load no models and write no files:
 * `commands/figure/` draws the images and calls these functions.
 *
 * Read this file first, elements as text and the document around them, then `typeset.ts`, which sets text and formulas,
 * the two layouts, `picture_table.ts` and `chart.ts`, and one figure, such as `forward.ts`.
 *
 * @module
 */

/** Attributes of an element; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as XML holds it. */
export const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (character) => ESCAPES[character]);

/** A number with three decimals at most: a thousandth of a pixel is not seen. */
export const shortNumber = (value: number): string => String(Math.round(value * 1000) / 1000 + 0);

/** One element with its children, which are elements already. */
export const element = (name: string, attributes: Attributes, ...children: readonly string[]): string => {
  const listed = Object.entries(attributes).filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? shortNumber(value) : escapeXml(value!)}"`).join("");
  return children.length === 0 ? `<${name}${listed}/>` : `<${name}${listed}>${children.join("")}</${name}>`;
};

const GLYPH = /<path d="([^"]*)"/g;

/** Glyphs that are drawn more than once are defined once, which makes a page of text some five times smaller. */
const shareGlyphs = (body: string): { defs: string; body: string } => {
  const counts = new Map<string, number>();
  for (const [, d] of body.matchAll(GLYPH)) counts.set(d, (counts.get(d) ?? 0) + 1);
  const ids = new Map([...counts].filter(([d, count]) => count > 1 && d.length > 40).map(([d], i) => [d, `g${i}`]));
  const defs = [...ids].map(([d, id]) => element("path", { id, d })).join("");
  return {
    defs: defs === "" ? "" : element("defs", {}, defs),
    body: body.replace(GLYPH, (path, d) => ids.has(d) ? `<use href="#${ids.get(d)}"` : path),
  };
};

/**
 * A whole picture, on white, so that it can be read on a dark page too.
 *
 * @param extent.title what it shows, for those who cannot see it
 */
export const svgDocument = (
  { width, height, title }: { width: number; height: number; title: string },
  ...children: readonly string[]
): string => {
  const { defs, body } = shareGlyphs(children.join("\n"));
  const extent = { width: Math.ceil(width), height: Math.ceil(height) };
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      ...extent,
      viewBox: `0 0 ${extent.width} ${extent.height}`,
      role: "img",
      "aria-label": title,
    },
    element("title", {}, escapeXml(title)),
    defs,
    element("rect", { ...extent, fill: "#fff" }),
    `\n${body}\n`,
  ) + "\n";
};
