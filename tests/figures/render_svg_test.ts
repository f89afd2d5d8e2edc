import { assert, assertEquals, assertRejects } from "@std/assert";
import { renderSvg } from "../../figures/render_svg.ts";
import { element, escapeXml, svgDocument } from "../../figures/svg.ts";
import { typeset } from "../../figures/typeset.ts";
import { decodePng } from "../formats/decode_png.ts";

const document = (...children: string[]) =>
  svgDocument({ width: 20, height: 10, title: "a <test> & more" }, ...children);

Deno.test("renderSvg makes a gray PNG of what has no colour and an RGB one of what has, at the scale asked", async () => {
  const black = decodePng(await renderSvg(document(element("rect", { width: 10, height: 10 }))));
  assertEquals([black.width, black.height, black.channels], [40, 20, 1]);
  assertEquals([black.data[0], black.data[39]], [0, 255]);
  const red = decodePng(
    await renderSvg(document(element("rect", { width: 10, height: 10, fill: "#f00" })), { scale: 1 }),
  );
  assertEquals([red.width, red.height, red.channels], [20, 10, 3]);
  assertEquals([...red.data.subarray(0, 3)], [255, 0, 0]);
});

Deno.test("renderSvg draws what typeset sets, shared glyphs too", async () => {
  const inkOf = async (...lines: string[]) =>
    decodePng(await renderSvg(document(...lines))).data.reduce((sum, value) => sum + 255 - value, 0);
  const once = await inkOf(typeset("S", { size: 8 }).at(1, 8));
  const svg = document(typeset("S", { size: 8 }).at(1, 8), typeset("S", { size: 8 }).at(11, 8));
  assert(svg.includes("<use"));
  const twice = decodePng(await renderSvg(svg)).data.reduce((sum, value) => sum + 255 - value, 0);
  assert(once > 1000 && Math.abs(twice / once - 2) < 0.02, `${once} and ${twice}`);
});

Deno.test("renderSvg says of what is no SVG that it cannot render it", async () => {
  await assertRejects(() => renderSvg("<svg"), SyntaxError, "cannot render the SVG");
});

Deno.test("an SVG escapes what XML would read, and says what it shows", () => {
  assertEquals(escapeXml(`<a b="c">&`), "&lt;a b=&quot;c&quot;&gt;&amp;");
  assert(document().includes("<title>a &lt;test&gt; &amp; more</title>"));
});
