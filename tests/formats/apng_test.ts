import { assertEquals, assertThrows } from "@std/assert";
import { decodeApng } from "fast-png";
import { encodeApng } from "../../formats/apng.ts";
import { waves } from "./animations.ts";
import { decodePng } from "./decode_png.ts";

for (const channels of [1, 3]) {
  Deno.test(`encodeApng keeps every bit of every frame of ${channels === 1 ? "gray" : "colour"}, as fast-png reads it`, () => {
    const film = waves({ count: 5, height: 9, width: 14, channels });
    const { width, height, frames, numberOfPlays } = decodeApng(encodeApng(film, { delay: 40, hold: 1500, loops: 2 }));
    assertEquals([width, height, numberOfPlays], [14, 9, 2]);
    assertEquals(frames.map(({ data }) => [...data]), film.frames.map((frame) => [...frame]));
    assertEquals(frames.map((frame) => frame.delayNumber / frame.delayDenominator), [0.04, 0.04, 0.04, 0.04, 1.5]);
  });
}

Deno.test("encodeApng shows its first frame to what knows no animation", () => {
  const film = waves({ count: 3, height: 4, width: 4, channels: 3 });
  assertEquals(decodePng(encodeApng(film)).data, film.frames[0]);
});

Deno.test("encodeApng makes the same bytes of the same film", () => {
  const film = waves({ count: 2, height: 4, width: 4, channels: 3 });
  assertEquals(encodeApng(film), encodeApng(film));
});

Deno.test("encodeApng refuses frames that do not fit and times that are none", () => {
  const film = waves({ count: 2, height: 4, width: 4, channels: 1 });
  assertThrows(() => encodeApng({ ...film, frames: [] }), RangeError, "one frame or more");
  assertThrows(() => encodeApng({ ...film, width: 5 }), RangeError, "frames[0] must have 4×5×1 bytes, received 16");
  assertThrows(() => encodeApng({ ...film, channels: 4 }), RangeError, "channels must be 1 or 3, received 4");
  assertThrows(() => encodeApng(film, { delay: 70_000 }), RangeError, "delay must be an integer in [0, 65535]");
  assertThrows(() => encodeApng(film, { hold: 0.5 }), RangeError, "hold must be an integer");
});
