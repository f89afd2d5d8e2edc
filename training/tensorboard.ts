import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { join } from "@std/path";
import { writeAll, writing } from "../files/durable.ts";
import type { StepMetrics } from "./metrics.ts";

/** What each byte does to a CRC-32C: Castagnoli's polynomial, its bits reversed. node:zlib has that of zip alone. */
const CASTAGNOLI = Uint32Array.from({ length: 256 }, (_, byte) => {
  let c = byte;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c;
});

/** A CRC-32C, rotated and shifted, since a CRC over data that holds CRCs of its own says little. */
const maskedCrc32c = (bytes: Uint8Array): number => {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = CASTAGNOLI[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  c = ~c;
  return ((c >>> 15 | c << 17) + 0xa282ead8) >>> 0;
};

/** Frames a record as TFRecord files have it: length, its CRC-32C, data, its CRC-32C. */
const frameRecord = (data: Uint8Array): Uint8Array<ArrayBuffer> => {
  const record = new Uint8Array(data.length + 16), view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
};

/** A picture as TensorBoard shows it. */
export interface SummaryImage {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly png: Uint8Array;
}

/** What an event says. */
export type EventContent =
  | { readonly fileVersion: string }
  /** All events of this step and later ones, in earlier files, are void. */
  | { readonly isRestart: true }
  | { readonly scalars: Readonly<Record<string, number>>; readonly pictures?: Readonly<Record<string, SummaryImage>> };

const writeMessage = (writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): BinaryWriter => {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  return writer.join();
};

const writeSummaryImage = ({ height, width, channels, png }: SummaryImage) => (writer: BinaryWriter) =>
  writer.tag(1, WireType.Varint).int32(height)
    .tag(2, WireType.Varint).int32(width)
    .tag(3, WireType.Varint).int32(channels)
    .tag(4, WireType.LengthDelimited).bytes(png);

/**
 * Encodes an event by TensorFlow's schema (tensorflow/core/util/event.proto and framework/summary.proto): `Event`, with
 * `file_version`, `session_log` (START) or `summary`.
 *
 * @param wallTime seconds since 1970
 */
const encodeEvent = (content: EventContent, { wallTime, step }: { wallTime: number; step: number }) => {
  const event = new BinaryWriter().tag(1, WireType.Bit64).double(wallTime);
  if (step !== 0) event.tag(2, WireType.Varint).int64(step);
  if ("fileVersion" in content) event.tag(3, WireType.LengthDelimited).string(content.fileVersion);
  else if ("isRestart" in content) writeMessage(event, 7, (log) => log.tag(1, WireType.Varint).int32(1));
  else {
    writeMessage(event, 5, (summary) => {
      for (const [tag, number] of Object.entries(content.scalars)) {
        writeMessage(
          summary,
          1,
          (value) => value.tag(1, WireType.LengthDelimited).string(tag).tag(2, WireType.Bit32).float(number),
        );
      }
      for (const [tag, picture] of Object.entries(content.pictures ?? {})) {
        writeMessage(summary, 1, (value) => {
          value.tag(1, WireType.LengthDelimited).string(tag);
          writeMessage(value, 4, writeSummaryImage(picture));
        });
      }
    });
  }
  return event.finish();
};

/** What TensorBoard is shown of a run. */
export interface TensorBoard extends Disposable {
  /** @throws {DiskError} if the system refuses */
  writeMetrics(metrics: StepMetrics): Promise<void>;
  /**
   * @param picture a grid of samples
   * @throws {DiskError} if the system refuses
   */
  writeSamples(step: number, picture: SummaryImage): Promise<void>;
}

const EVENT_FILE = /^events\.out\.tfevents\.(\d{10})\./;

const nameless: readonly Deno.DirEntry[] = [];

/** Behind all that are there: TensorBoard reads a run's files in the order of their names, which begin with a time. */
const nextSecond = (folder: string, seconds: number): number => {
  let entries: Iterable<Deno.DirEntry> = nameless;
  try {
    entries = Deno.readDirSync(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  let next = Math.floor(seconds);
  for (const { name } of entries) next = Math.max(next, Number(EVENT_FILE.exec(name)?.[1] ?? 0) + 1);
  return next;
};

/** The scalars of a step by the names that TensorBoard groups them by; what is not known yet is left out. */
const scalarsOf = (
  { loss, lossByQuartile, bitsPerDim, gradientNorm, learningRate, timing }: StepMetrics,
): Record<string, number> => {
  const all = {
    loss,
    ...Object.fromEntries(lossByQuartile.map((value, i) => [`loss_by_timestep/quarter_${i + 1}`, value])),
    bits_per_dim: bitsPerDim,
    gradient_norm: gradientNorm,
    learning_rate: learningRate,
    "timing/images_per_second": timing.imagesPerSecond,
    "timing/outside_share": timing.outsideShare,
    "timing/memory_bytes": timing.memory,
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, number] => entry[1] !== null));
};

/**
 * Opens an event file of TensorBoard in `tensorboard/` of a run, a new one each time: `tensorboard --logdir runs` shows it.
 * Where the run goes on from `step`, what earlier files hold of later steps is void.
 *
 * @param options.now seconds since 1970
 * @throws {DiskError} if the system refuses
 */
export const openTensorBoard = async (
  run: string,
  step: number,
  { now = () => Date.now() / 1000 }: { now?: () => number } = {},
): Promise<TensorBoard> => {
  const folder = join(run, "tensorboard");
  const path = join(folder, `events.out.tfevents.${`${nextSecond(folder, now())}`.padStart(10, "0")}.denoise`);
  const file = await writing(path, () => {
    Deno.mkdirSync(folder, { recursive: true });
    return Deno.openSync(path, { append: true, createNew: true });
  });
  const write = (content: EventContent, step: number) =>
    writing(path, () => {
      writeAll(file, frameRecord(encodeEvent(content, { wallTime: now(), step })));
    });
  await write({ fileVersion: "brain.Event:2" }, 0);
  if (step > 0) await write({ isRestart: true }, step + 1);
  return {
    writeMetrics: (metrics) => write({ scalars: scalarsOf(metrics) }, metrics.step),
    writeSamples: (step, samples) => write({ scalars: {}, pictures: { samples } }, step),
    [Symbol.dispose]: () => file.close(),
  };
};
