import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { chart, layAxis } from "../../figures/chart.ts";
import { renderSvg } from "../../figures/render_svg.ts";
import { svgDocument } from "../../figures/svg.ts";
import { decodePng } from "../formats/decode_png.ts";

const extent = { width: 200, height: 150 };
const options = {
  title: "A line",
  ...extent,
  x: { label: "$t$", domain: [0, 10] },
  y: { label: "value", domain: [0, 10] },
} as const;
const line = { name: "line", colour: "#ff0000", points: [{ x: 0, y: 5 }, { x: 10, y: 5 }] };

/** Pixels that are about this red, by row. */
const redRows = async (part: string, isRed: (r: number, g: number) => boolean): Promise<Map<number, number>> => {
  const png = await renderSvg(svgDocument({ ...extent, title: "test" }, part), { scale: 1 });
  const { data, width, height, channels } = decodePng(png);
  const rows = new Map<number, number>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [r, g] = data.subarray((y * width + x) * channels);
      if (channels === 3 && isRed(r, g)) rows.set(y, (rows.get(y) ?? 0) + 1);
    }
  }
  return rows;
};

Deno.test("a chart draws a curve where its axes say, from end to end", async () => {
  const rows = await redRows(chart({ ...options, series: [line] }), (r, g) => r > 250 && g < 128);
  // The middle of a plot from 34 below the top to 46 above the bottom.
  assertEquals([...rows.keys()], [68, 69].filter((y) => rows.has(y)));
  assert(Math.max(...rows.values()) >= 118, `${[...rows]}`);
});

Deno.test("a chart draws the errors of a curve as a band, and cuts off what leaves its axes", async () => {
  const points = line.points.map((point) => ({ ...point, error: 2 }));
  const isBand = (r: number, g: number) => r > 250 && g < 230;
  const rows = [...(await redRows(chart({ ...options, series: [{ ...line, points }] }), isBand)).keys()];
  // 4 of 10 units of a plot 70 high.
  assert(Math.abs(Math.max(...rows) - Math.min(...rows) - 28) <= 2, `${rows}`);
  const wide = line.points.map((point) => ({ ...point, error: 50 }));
  const all = [...(await redRows(chart({ ...options, series: [{ ...line, points: wide }] }), isBand)).keys()];
  assertEquals([Math.min(...all) >= 33, Math.max(...all) <= 104], [true, true], `${all}`);
});

Deno.test("a chart has a legend for several curves, and none for one", () => {
  const other = { ...line, name: "other", colour: "#00ff00" };
  const isSwatch = /<path d="M[\d.]+ \d+h18"/g;
  assertEquals(chart({ ...options, series: [line] }).match(isSwatch), null);
  assertEquals(chart({ ...options, series: [line, other] }).match(isSwatch)?.length, 2);
});

Deno.test("a chart marks the points where it is told to", () => {
  assertStringIncludes(chart({ ...options, series: [{ ...line, dots: true }] }), "<circle");
});

const texts = (axis: ReturnType<typeof layAxis>) => axis.ticks.map(({ text }) => text).filter((text) => text !== "");

Deno.test("a linear axis is rounded outwards to ticks, and places numbers between its ends", () => {
  const axis = layAxis({ label: "x" }, [0.3, 9.2], [100, 0]);
  assertEquals(texts(axis), ["0", "2", "4", "6", "8", "10"]);
  assertAlmostEquals(axis.position(2.5)!, 75, 1e-9);
});

Deno.test("a logarithmic axis names decades, marks what is between, and has no place for 0", () => {
  const axis = layAxis({ label: "x", scale: "log" }, [0, 3, 700], [0, 300]);
  assertEquals(texts(axis), ["1", "10", "$10^{2}$", "$10^{3}$"]);
  assertEquals(axis.ticks.length, 28);
  assertAlmostEquals(axis.position(10)!, 100, 1e-9);
  assertEquals([axis.position(0), axis.position(-1)], [null, null]);
});

Deno.test("a logarithmic axis of many decades names some of them", () => {
  const axis = layAxis({ label: "x", scale: "log" }, [1e-10, 1], [0, 100]);
  assertEquals(texts(axis), ["$10^{-10}$", "$10^{-8}$", "$10^{-6}$", "$10^{-4}$", "$10^{-2}$", "1"]);
  assertEquals(axis.ticks.length, 11);
});

Deno.test("an axis keeps to a domain that is given", () => {
  assertEquals(layAxis({ label: "x", domain: [0, 1000] }, [3, 900], [0, 1]).position(500), 0.5);
});
