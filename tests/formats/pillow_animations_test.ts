import { assert, assertEquals, assertLess } from "@std/assert";
import { encodeApng } from "../../formats/apng.ts";
import { encodeGif } from "../../formats/gif.ts";
import { python, whyNoPython } from "../model/python.ts";
import { waves } from "./animations.ts";

const reason = await whyNoPython("numpy", "PIL");
const named = (name: string) => reason === "" ? name : `${name} (${reason})`;

interface Opened {
  size: [number, number];
  loop: number | null;
  durations: number[];
  frames: number[][];
}

/** What Pillow makes of an animation: each frame's pixels and milliseconds. */
const open = async (input: Uint8Array<ArrayBuffer>, mode: "L" | "RGB"): Promise<Opened> => {
  const code = `import io, json, sys
import numpy as np
from PIL import Image, ImageSequence
film = Image.open(io.BytesIO(sys.stdin.buffer.read()))
frames, durations = [], []
for frame in ImageSequence.Iterator(film):
    frames.append(np.asarray(frame.convert(sys.argv[1])).ravel().tolist())
    durations.append(frame.info["duration"])
print(json.dumps({"size": film.size, "loop": film.info.get("loop"), "durations": durations, "frames": frames}))`;
  return JSON.parse(new TextDecoder().decode(await python(code, { input, args: [mode] })));
};

for (const [channels, mode] of [[1, "L"], [3, "RGB"]] as const) {
  const film = waves({ count: 6, height: 20, width: 31, channels });
  const frames = film.frames.map((frame) => [...frame]);

  Deno.test({
    name: named(`Pillow opens what encodeApng writes of ${mode} frames with every bit as it was`),
    ignore: reason !== "",
    fn: async () => {
      assertEquals(await open(encodeApng(film, { delay: 45, hold: 1234, loops: 3 }), mode), {
        size: [31, 20],
        loop: 3,
        durations: [45, 45, 45, 45, 45, 1234],
        frames,
      });
    },
  });

  Deno.test({
    name: named(
      `Pillow opens what encodeGif writes of ${mode} frames, ${channels === 1 ? "bit by bit" : "with little error"}`,
    ),
    ignore: reason !== "",
    fn: async () => {
      const opened = await open(encodeGif(film, { delay: 40, hold: 1000 }), mode);
      assertEquals([opened.size, opened.loop, opened.durations], [[31, 20], 0, [40, 40, 40, 40, 40, 1000]]);
      assertEquals(opened.frames.length, 6);
      const rms = opened.frames.map((frame, f) =>
        Math.sqrt(frame.reduce((sum, value, i) => sum + (value - frames[f][i]) ** 2, 0) / frame.length)
      );
      for (const value of rms) assertLess(value, channels === 1 ? 1e-9 : 13);
    },
  });
}

Deno.test({
  name: named(
    "encodeGif comes as near to noise and to waves as the best of Pillow's quantizers, within a tenth and a level",
  ),
  ignore: reason !== "",
  fn: async () => {
    const film = waves({ count: 1, height: 64, width: 64, channels: 3 });
    const { frames: [noise] } = waves({ count: 2, height: 64, width: 64, channels: 3 });
    const code = `import json, sys
import numpy as np
from PIL import Image
pixels = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(64, 64, 3)
image = Image.fromarray(pixels)
def rms(method):
    quantized = np.asarray(image.quantize(256, method=method, dither=Image.Dither.NONE).convert("RGB"))
    return float(np.sqrt(((quantized.astype(float) - pixels) ** 2).mean()))
print(json.dumps([rms(Image.Quantize.MEDIANCUT), rms(Image.Quantize.MAXCOVERAGE), rms(Image.Quantize.FASTOCTREE)]))`;
    for (const pixels of [noise, film.frames[0]]) {
      const input = new Uint8Array(pixels);
      const best = Math.min(...JSON.parse(new TextDecoder().decode(await python(code, { input }))));
      const { frames: [shown] } = await open(encodeGif({ ...film, frames: [pixels] }), "RGB");
      const own = Math.sqrt(shown.reduce((sum, value, i) => sum + (value - pixels[i]) ** 2, 0) / shown.length);
      assert(own <= 1.1 * best + 1, `${own} levels here, ${best} there`);
    }
  },
});
