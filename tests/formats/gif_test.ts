import { assertEquals, assertThrows } from "@std/assert";
import { encodeGif } from "../../formats/gif.ts";
import { waves } from "./animations.ts";

/** Hundredths of a second that each frame is shown: bytes 4 and 5 of every graphic control extension. */
const delays = (gif: Uint8Array): number[] => {
  const found: number[] = [];
  for (let i = 0; i + 8 <= gif.length; i++) {
    const isControl = gif[i] === 0x21 && gif[i + 1] === 0xf9 && gif[i + 2] === 4 && gif[i + 7] === 0 &&
      gif[i + 8] === 0x2c;
    if (isControl) found.push(gif[i + 4] | gif[i + 5] << 8);
  }
  return found;
};

Deno.test("encodeGif shows each frame its time, never shorter than browsers can, and holds the last", () => {
  const film = waves({ count: 4, height: 6, width: 7, channels: 3 });
  assertEquals(delays(encodeGif(film, { delay: 44, hold: 1500 })), [4, 4, 4, 150]);
  assertEquals(delays(encodeGif(film, { delay: 5, hold: 0 })), [2, 2, 2, 2]);
});

Deno.test("encodeGif makes the same bytes of the same film", () => {
  const film = waves({ count: 2, height: 6, width: 7, channels: 3 });
  assertEquals(encodeGif(film), encodeGif(film));
});

Deno.test("encodeGif refuses frames that do not fit and sides that GIF cannot have", () => {
  const film = waves({ count: 2, height: 4, width: 4, channels: 1 });
  assertThrows(() => encodeGif({ ...film, height: 3 }), RangeError, "frames[0] must have 3×4×1 bytes, received 16");
  const long = { frames: [new Uint8Array(65_536)], height: 1, width: 65_536, channels: 1 };
  assertThrows(() => encodeGif(long), RangeError, "at most 65535");
});
