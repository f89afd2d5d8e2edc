import { assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { encodePng } from "../../formats/png.ts";
import type { StepMetrics } from "../../training/metrics.ts";
import { openTensorBoard } from "../../training/tensorboard.ts";
import { python, whyNoPython } from "../model/python.ts";
import { reasonNotToWrite, writingTest } from "../model/temporary_folder.ts";

const reason = reasonNotToWrite || await whyNoPython("tensorboard", "PIL");

interface Seen {
  scalars: Record<string, [step: number, value: number, time: number][]>;
  images: [step: number, width: number, height: number, pixels: number[]][];
}

/** What TensorBoard itself makes of a run. */
const look = async (run: string): Promise<Seen> => {
  const code = `import io, json, sys
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
seen = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
seen.Reload()
pixels = lambda image: list(Image.open(io.BytesIO(image.encoded_image_string)).tobytes())
print(json.dumps({
    "scalars": {tag: [(e.step, e.value, e.wall_time) for e in seen.Scalars(tag)] for tag in seen.Tags()["scalars"]},
    "images": [(e.step, e.width, e.height, pixels(e)) for tag in seen.Tags()["images"] for e in seen.Images(tag)],
}))`;
  return JSON.parse(new TextDecoder().decode(await python(code, { args: [join(run, "tensorboard")] })));
};

const metricsOf = (step: number, loss = 1 / step): StepMetrics => ({
  step,
  loss,
  lossByQuartile: [0.5, step > 1 ? 0.25 : null, null, 2 ** -step],
  bitsPerDim: step > 2 ? 4.5 : null,
  gradientNorm: 1e-3 * step,
  learningRate: 2e-4,
  timing: { imagesPerSecond: 12.5, outsideShare: 0.03, memory: 3e9 + step },
});

writingTest("TensorBoard reads every scalar and every pixel that openTensorBoard writes", async (run) => {
  const data = Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => 4 * i);
  {
    using board = await openTensorBoard(run, 0, { now: () => 1_790_000_000.25 });
    for (let step = 1; step <= 3; step++) await board.writeMetrics(metricsOf(step));
    const png = encodePng({ data, height: 4, width: 5, channels: 3 });
    await board.writeSamples(3, { height: 4, width: 5, channels: 3, png });
  }
  const { scalars, images } = await look(run);
  assertEquals(images, [[3, 5, 4, [...data]]]);
  const stepsOf = (tag: string) => scalars[tag].map(([step]) => step);
  assertEquals(stepsOf("loss"), [1, 2, 3]);
  assertEquals(stepsOf("loss_by_timestep/quarter_2"), [2, 3]);
  assertEquals(scalars["loss_by_timestep/quarter_4"], [[1, 0.5, 1_790_000_000.25], [2, 0.25, 1_790_000_000.25], [
    3,
    0.125,
    1_790_000_000.25,
  ]]);
  assertEquals(stepsOf("bits_per_dim"), [3]);
  assertAlmostEquals(scalars.loss[2][1], 1 / 3, 1e-7);
  assertAlmostEquals(scalars["timing/memory_bytes"][0][1], 3e9, 256);
  assertEquals(
    Object.keys(scalars).sort(),
    [
      "bits_per_dim",
      "gradient_norm",
      "learning_rate",
      "loss",
      "loss_by_timestep/quarter_1",
      "loss_by_timestep/quarter_2",
      "loss_by_timestep/quarter_4",
      "timing/images_per_second",
      "timing/memory_bytes",
      "timing/outside_share",
    ],
  );
}, reason);

writingTest("TensorBoard shows each step once where a killed run went on from an earlier step", async (run) => {
  const write = async (from: number, to: number, loss: number) => {
    using board = await openTensorBoard(run, from, { now: () => 1_790_000_000 });
    for (let step = from + 1; step <= to; step++) await board.writeMetrics(metricsOf(step, loss));
  };
  await write(0, 5, 1);
  // The kill tore the last record.
  const [first] = await Array.fromAsync(Deno.readDir(join(run, "tensorboard")));
  const path = join(run, "tensorboard", first.name);
  await Deno.truncate(path, (await Deno.stat(path)).size - 7);
  await write(3, 6, 2);
  await write(6, 7, 3);

  const { scalars } = await look(run);
  assertEquals(scalars.loss.map(([step, value]) => [step, value]), [[1, 1], [2, 1], [3, 1], [4, 2], [5, 2], [6, 2], [
    7,
    3,
  ]]);
}, reason);

writingTest("openTensorBoard frames records with the checksums of TFRecord", async (run) => {
  using _ = await openTensorBoard(run, 0, { now: () => 1_790_000_000.25 });
  const [{ name }] = await Array.fromAsync(Deno.readDir(join(run, "tensorboard")));
  // Checked by TensorBoard 2.21: length, its checksum; a double, "brain.Event:2"; their checksum.
  assertEquals(
    Array.from(await Deno.readFile(join(run, "tensorboard", name)), (byte) => byte.toString(16).padStart(2, "0")).join(
      "",
    ),
    "1800000000000000a37f4b22" + "09000010e04eacda411a0d627261696e2e4576656e743a32" + "e9383659",
  );
});
