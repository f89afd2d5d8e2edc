import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { escapeTex, paragraph, typeset } from "../../figures/typeset.ts";

Deno.test("typeset draws text and TeX as paths alone, so that no font is needed", () => {
  const line = typeset(
    "Latents $x_t \\sim q(x_t \\mid x_0) = \\mathcal{N}(\\sqrt{\\bar\\alpha_t}\\,x_0, \\mathbf{I})$: λ é",
  );
  assert(!line.at(0, 0).includes("<text"));
  assert(line.at(0, 0).includes("<path"));
});

Deno.test("typeset scales with the size, and anchors at start, middle or end", () => {
  const [small, large] = [10, 20].map((size) => typeset("$t = 500$", { size }));
  assertAlmostEquals(large.width, 2 * small.width, 1e-9);
  assertAlmostEquals(large.ascent, 2 * small.ascent, 1e-9);
  const shiftOf = (anchor: "start" | "middle" | "end") =>
    Number(/scale\([\d.]+\)(?: translate\((-[\d.]+) 0\))?/.exec(small.at(5, 5, { anchor }))![1] ?? 0);
  assertEquals(shiftOf("start"), 0);
  assertAlmostEquals(shiftOf("middle") * 0.01, -small.width / 2, 1e-3);
  assertAlmostEquals(shiftOf("end") * 0.01, -small.width, 1e-3);
});

Deno.test("literally keeps dollars and backslashes of names", () => {
  const name = "50$ a\\b {c}_d^e~&<#%";
  // As wide as its parts: nothing of it was read as TeX.
  const sum = [...name].map((character) => typeset(escapeTex(character)).width).reduce((a, b) => a + b);
  assertAlmostEquals(typeset(escapeTex(name)).width, sum, 0.5);
});

Deno.test("typeset refuses what is no TeX, and says what", () => {
  assertThrows(() => typeset("an odd $ sign"), SyntaxError, "a $ has no partner");
  assertThrows(() => typeset("$\\nosuch$"), SyntaxError, "\\nosuch");
  assertThrows(() => typeset("$\\frac{1$"), SyntaxError, "cannot set");
});

Deno.test("paragraph breaks at spaces but never within an equation", () => {
  const text = "One two three $a + b + c + d$ four five six seven eight nine ten";
  const [wide, narrow] = [1000, 120].map((width) => paragraph(text, { width, head: "Figure 1.", size: 16 }));
  assertAlmostEquals(wide.height, 16 * 1.35, 1e-9);
  assert(narrow.height > 3 * 16 * 1.35);
  assertEquals(paragraph("", { width: 100 }).height, 0);
});
