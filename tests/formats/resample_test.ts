import { assertEquals, assertLess } from "@std/assert";
import { type Kernel, type Line, resample } from "../../formats/resample.ts";
import { distance, fixture } from "./pictures.ts";

const { shape: [height, width], data } = fixture("resample/input");
const input = data as Float32Array;
const picture = {
  height,
  width,
  channels: 1,
  read: (y: number, line: Line) => line.set(input.subarray(y * width, (y + 1) * width)),
};

for (const kernel of ["lanczos", "triangle"] as Kernel[]) {
  for (const [rows, columns] of [[5, 4], [40, 33]]) {
    Deno.test(`resample makes ${rows}×${columns} of a box with ${kernel} as Pillow does`, () => {
      const made = resample(picture, {
        across: { start: 1.25, length: 26.5 },
        down: { start: 0.5, length: 16 },
        height: rows,
        width: columns,
        kernel,
      });
      assertLess(distance(made, fixture(`resample/${kernel}_${rows}x${columns}`).data as Float32Array), 2e-6);
    });
  }
}

Deno.test("resample changes no bit of a picture that stays as large as it is", () => {
  const whole = { across: { start: 0, length: width }, down: { start: 0, length: height } };
  assertEquals(resample(picture, { ...whole, height, width, kernel: "lanczos" }), Float32Array.from(input));
});
