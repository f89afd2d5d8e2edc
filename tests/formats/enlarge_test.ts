import { assert, assertEquals } from "@std/assert";
import { AS_THEY_ARE, enlarge, RESAMPLERS } from "../../formats/enlarge.ts";
import { encodeGif } from "../../formats/gif.ts";
import { python, whyNoPython } from "../model/python.ts";

const reason = await whyNoPython("numpy", "PIL");
const named = (name: string) => reason === "" ? name : `${name} (${reason})`;

/** Images that no two neighbours of are alike, with sharp edges. */
const images = (count: number, channels: number) => {
  const [height, width] = [5, 7];
  const data = Uint8Array.from(
    { length: count * height * width * channels },
    (_, i) => i % 11 < 4 ? 255 : i * 97 % 256,
  );
  return { data, height, width, channels };
};

/** Pillow's `Image.resize` of each image, their bytes one after another. */
const resizedByPillow = async (
  { data, height, width, channels }: ReturnType<typeof images>,
  { scale, resampler }: { scale: number; resampler: string },
): Promise<Uint8Array> => {
  const code = `import sys
import numpy as np
from PIL import Image
height, width, channels, scale = map(int, sys.argv[1:5])
data = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, height, width, channels)
kernel = Image.Resampling[sys.argv[5].upper()]
for image in data:
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    sys.stdout.buffer.write(np.asarray(picture.resize((width * scale, height * scale), kernel)).tobytes())`;
  return await python(code, { input: data, args: [height, width, channels, scale, resampler].map(String) });
};

for (const resampler of RESAMPLERS) {
  for (const channels of [1, 3]) {
    Deno.test({
      name: named(`enlarge makes what Pillow's resize makes of ${channels} channels by ${resampler}, byte by byte`),
      ignore: reason !== "",
      fn: async () => {
        const small = images(3, channels);
        for (const scale of [2, 3, 16]) {
          const { data, ...shape } = enlarge(small, { scale, resampler });
          assertEquals(shape, { height: 5 * scale, width: 7 * scale, channels });
          assertEquals(data, new Uint8Array(await resizedByPillow(small, { scale, resampler })), `scale ${scale}`);
        }
      },
    });
  }
}

Deno.test("enlarge repeats each pixel along either side, image by image", () => {
  const small = { data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), height: 2, width: 2, channels: 1 };
  const { data } = enlarge(small, { scale: 2, resampler: "nearest" });
  assertEquals([...data], [
    1,
    1,
    2,
    2,
    1,
    1,
    2,
    2,
    3,
    3,
    4,
    4,
    3,
    3,
    4,
    4,
    5,
    5,
    6,
    6,
    5,
    5,
    6,
    6,
    7,
    7,
    8,
    8,
    7,
    7,
    8,
    8,
  ]);
});

Deno.test("enlarge by lanczos lets no image colour the one beside it", () => {
  const black = { data: new Uint8Array(16), height: 4, width: 4, channels: 1 };
  const both = { ...black, data: Uint8Array.from([...black.data, ...black.data.map(() => 255)]) };
  const { data } = enlarge(both, { scale: 3, resampler: "lanczos" });
  assert(data.subarray(0, 144).every((value) => value === 0));
  assert(data.subarray(144).every((value) => value === 255));
});

Deno.test("enlarge gives the very same images where nothing becomes larger", () => {
  const small = images(2, 3);
  assertEquals(enlarge(small, AS_THEY_ARE) === small, true);
});

Deno.test("encodeGif with a scale writes what it writes of frames that were enlarged", () => {
  for (const channels of [1, 3]) {
    const film = (scale: number) => {
      const { data, ...shape } = enlarge(images(3, channels), { scale, resampler: "nearest" });
      const size = data.length / 3;
      return { ...shape, frames: [0, 1, 2].map((i) => data.subarray(i * size, (i + 1) * size)) };
    };
    assertEquals(encodeGif(film(1), { scale: 4 }), encodeGif(film(4)));
  }
});
