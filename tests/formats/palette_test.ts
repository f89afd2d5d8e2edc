import { assert, assertEquals, assertLess } from "@std/assert";
import { toPalette } from "../../formats/gif.ts";
import { waves } from "./animations.ts";

/** Root mean square and largest difference between pixels and their palette's colours, in levels of 255. */
const error = (pixels: Uint8Array, channels: number) => {
  const { palette, indices } = toPalette(pixels, channels);
  let [squares, most] = [0, 0];
  for (let i = 0; i < pixels.length; i++) {
    const difference = Math.abs(pixels[i] - palette[indices[Math.floor(i / channels)]][i % channels]);
    squares += difference ** 2;
    most = Math.max(most, difference);
  }
  return { rms: Math.sqrt(squares / pixels.length), most, colours: palette.length };
};

const { frames } = waves({ count: 5, height: 80, width: 80, channels: 3 });

Deno.test("toPalette changes no gray", () => {
  const pixels = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);
  assertEquals(error(pixels, 1), { rms: 0, most: 0, colours: 256 });
});

Deno.test("toPalette changes nothing where there are at most 256 colours", () => {
  const pixels = Uint8Array.from({ length: 3 * 2000 }, (_, i) => (Math.floor(i / 3) % 256) * (i % 3 + 1) % 256);
  assertEquals(error(pixels, 3), { rms: 0, most: 0, colours: 256 });
});

Deno.test("toPalette keeps noise of thousands of colours within 13 levels of 255, root mean square", () => {
  const { rms, most, colours } = error(frames[0], 3);
  assertLess(rms, 13);
  assertLess(most, 60);
  assertEquals(colours, 256);
});

Deno.test("toPalette comes closer the smoother a frame is, and within 3 levels at the end", () => {
  const errors = frames.map((frame) => error(frame, 3).rms);
  for (let i = 1; i < errors.length; i++) assert(errors[i] < errors[i - 1], errors.join(" "));
  assertLess(errors.at(-1)!, 3);
});
