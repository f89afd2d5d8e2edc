import { assert } from "@std/assert";

const css = await Deno.readTextFile(new URL("../../web/style/tokens.css", import.meta.url));

type Rgb = readonly [number, number, number];

/** A color as linear light, 0 … 1. */
const linear = (hex: string): Rgb =>
  [1, 3, 5].map((i) => {
    const value = parseInt(hex.slice(i, i + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;

const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

const contrast = (a: string, b: string): number => {
  const [low, high] = [luminance(linear(a)), luminance(linear(b))].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};

/** What is seen, in linear light, row by row: Machado et al. 2009, severity 1. */
const VISIONS = {
  all: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

const seen = (matrix: readonly number[], color: Rgb): Rgb =>
  [0, 1, 2].map((i) => {
    const value = color.reduce((sum, v, j) => sum + matrix[3 * i + j] * v, 0);
    return Math.min(1, Math.max(0, value));
  }) as unknown as Rgb;

const oklab = ([r, g, b]: Rgb): Rgb => {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
};

for (const [name, rules] of [["light", css.split('[data-theme="dark"]')[0]], ["dark", css.split('"dark"]')[1]]]) {
  Deno.test(`colors of lines, ${name}: 3 to 1 against both papers, and apart for every kind of color vision`, () => {
    const of = (token: string) => new RegExp(`--${token}: (#[0-9a-f]{6});`).exec(rules)![1];
    const colors = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => of(`series-${i}`));
    for (const color of colors) {
      for (const paper of ["paper", "sheet"]) assert(contrast(color, of(paper)) >= 3, `${color} on ${paper}`);
    }
    for (const [vision, matrix] of Object.entries(VISIONS)) {
      colors.forEach((a, i) =>
        colors.slice(0, i).forEach((b) => {
          const [p, q] = [a, b].map((color) => oklab(seen(matrix, linear(color))));
          const distance = Math.hypot(...p.map((v, j) => v - q[j]));
          assert(distance > 0.1, `${a} and ${b}, ${vision}: ${distance}`);
        })
      );
    }
  });
}
