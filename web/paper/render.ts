/// <reference lib="deno.ns" />
import MarkdownIt from "markdown-it";
import { stripTypeScriptTypes } from "node:module";
import temml from "temml";

/** Figures that live in the page, and the headings that each stands before. */
const BEFORE: Readonly<Record<string, string>> = {
  "4. Reverse: from noise to an image": "posterior",
  "12. Algorithm 1: training": "weights",
  "What it looks like on the way": "particles",
};

/** Those that stand behind a picture. */
const BEHIND: Readonly<Record<string, string>> = {
  "forward": "forward",
  "reverse": "denoise",
  "forward-linear": "schedules",
};

/** What Temml says by style attributes, which the page's policy forbids; style/paper.css says it by class. */
const STYLES: Readonly<Record<string, string>> = {
  "display:block math;": "",
  "math-depth:0;": ' data-math="flat"',
  "padding-left:0em;padding-right:0em;": ' data-math="close"',
  "true": "",
};

const renderMath = (tex: string, displayMode: boolean): string =>
  temml.renderToString(tex, { displayMode, throwOnError: true, strict: false }).replaceAll(
    / style="([^"]*)"/g,
    (_: string, style: string) => {
      if (!(style in STYLES)) throw new Error(`there is no class for the style ${style} of ${tex}`);
      return STYLES[style];
    },
  );

type Tokens = ReturnType<InstanceType<typeof MarkdownIt>["parse"]>;

const figure = (name: string): string => `<div data-figure="${name}"></div>\n`;

/** A block of the text as JavaScript, which browsers run: its types taken out, and laid out anew. */
const toJavaScript = async (code: string): Promise<string> => {
  const args = ["fmt", "--ext=js", "--line-width=110", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stripTypeScriptTypes(code)));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`deno fmt failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
};

/** Height and width of an SVG by its viewBox, so that nothing jumps when it has come. */
const sizeOf = async (path: string): Promise<string> => {
  const [, width, height] = /viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"/.exec(await Deno.readTextFile(path)) ?? [];
  if (width === undefined) throw new Error(`${path} has no viewBox`);
  return `width="${Math.round(Number(width))}" height="${Math.round(Number(height))}"`;
};

const slugOf = (title: string): string => title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");

/**
 * The guided reading as HTML: equations as MathML, code as JavaScript, places for the figures that live, and no style or script.
 *
 * @param path docs/ddpm.md; its pictures lie in figures/ beside it, as SVG
 * @throws {Error} if an equation cannot be set, or the text has no place for one of the figures
 */
export const renderPaper = async (path: string): Promise<string> => {
  const source = await Deno.readTextFile(path);
  const folder = path.replace(/[^/]*$/, "");
  const pictures = [...source.matchAll(/!\[[^\]]*\]\(figures\/([\w-]+)\.png\)/g)].map(([, name]) => name);
  const sizes = new Map(
    await Promise.all(
      pictures.map(async (name) => [name, await sizeOf(`${folder}figures/${name}.svg`)] as const),
    ),
  );
  const blocks = [...source.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code);
  const scripts = new Map(await Promise.all(blocks.map(async (code) => [code, await toJavaScript(code)] as const)));
  const placed = new Set<string>();
  const insertFigure = (name: string | undefined): string => {
    if (name === undefined) return "";
    placed.add(name);
    return figure(name);
  };

  const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false });
  const { rules } = markdown.renderer;
  const escape = markdown.utils.escapeHtml;

  markdown.inline.ruler.before("escape", "math", (state, silent) => {
    const match = /^\$([^$\n]+(?:\n[^$\n]+)?)\$/.exec(state.src.slice(state.pos));
    if (match === null) return false;
    if (!silent) state.push("math", "", 0).content = match[1];
    state.pos += match[0].length;
    return true;
  });
  rules.math = (tokens, i) => renderMath(tokens[i].content, false);

  rules.fence = (tokens, i) => {
    const { info, content } = tokens[i];
    if (info === "math") return `<div class="equation" tabindex="0">${renderMath(content, true)}</div>\n`;
    return `<details class="code"><summary>In code</summary><pre tabindex="0"><code>${
      escape(scripts.get(content)!)
    }</code></pre></details>\n`;
  };

  // The page is titled already: each heading is one smaller.
  rules.heading_open = (tokens, i) => {
    const title = tokens[i + 1].content;
    const level = Number(tokens[i].tag[1]) + 1;
    return `${insertFigure(BEFORE[title])}<h${level} id="${slugOf(title)}" tabindex="-1">`;
  };
  rules.heading_close = (tokens, i) => `</h${Number(tokens[i].tag[1]) + 1}>\n`;

  rules.table_open = () => '<div class="table" tabindex="0"><table>\n';
  rules.table_close = () => "</table></div>\n";

  rules.image = (tokens, i) => {
    const source = String(tokens[i].attrGet("src"));
    const name = /^figures\/([\w-]+)\.png$/.exec(source)?.[1];
    if (name === undefined) throw new Error(`there is no way to show ${source}`);
    const image = `<div class="picture" tabindex="0"><img src="page/figures/${name}.svg" ${
      sizes.get(name)
    } loading="lazy" alt="${escape(tokens[i].content)}"></div>`;
    return `${image}${insertFigure(BEHIND[name])}`;
  };
  // A picture stands alone, and a figure behind it: no paragraph can hold that.
  const isPicture = (tokens: Tokens, inline: number) =>
    tokens[inline]?.children?.length === 1 && tokens[inline].children[0].type === "image";
  rules.paragraph_open = (tokens, i) => isPicture(tokens, i + 1) ? "" : tokens[i].hidden ? "" : "<p>";
  rules.paragraph_close = (tokens, i) => isPicture(tokens, i - 1) ? "\n" : tokens[i].hidden ? "" : "</p>\n";

  // What is beside the text in the repository is named; the server does not show it.
  let isOutside = false;
  rules.link_open = (tokens, i) => {
    const href = String(tokens[i].attrGet("href"));
    isOutside = /^https:/.test(href);
    return isOutside
      ? `<a href="${escape(href)}" rel="noreferrer">`
      : `<span title="${escape(href.replace(/^(\.\.\/)+/, ""))}">`;
  };
  rules.link_close = () => isOutside ? "</a>" : "</span>";

  const html = markdown.render(source);
  for (const name of [...Object.values(BEFORE), ...Object.values(BEHIND)]) {
    if (!placed.has(name)) {
      throw new Error(`${path} has no place for the figure ${name}: web/paper/render.ts names them`);
    }
  }
  return html;
};
