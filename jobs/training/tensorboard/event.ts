import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A picture as TensorBoard shows it. */
export interface Picture {
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
  | { readonly scalars: Readonly<Record<string, number>>; readonly pictures?: Readonly<Record<string, Picture>> };

const message = (writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): BinaryWriter => {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  return writer.join();
};

const writeImage = ({ height, width, channels, png }: Picture) => (writer: BinaryWriter) =>
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
export const encodeEvent = (content: EventContent, { wallTime, step }: { wallTime: number; step: number }) => {
  const event = new BinaryWriter().tag(1, WireType.Bit64).double(wallTime);
  if (step !== 0) event.tag(2, WireType.Varint).int64(step);
  if ("fileVersion" in content) event.tag(3, WireType.LengthDelimited).string(content.fileVersion);
  else if ("isRestart" in content) message(event, 7, (log) => log.tag(1, WireType.Varint).int32(1));
  else {
    message(event, 5, (summary) => {
      for (const [tag, number] of Object.entries(content.scalars)) {
        message(
          summary,
          1,
          (value) => value.tag(1, WireType.LengthDelimited).string(tag).tag(2, WireType.Bit32).float(number),
        );
      }
      for (const [tag, picture] of Object.entries(content.pictures ?? {})) {
        message(summary, 1, (value) => {
          value.tag(1, WireType.LengthDelimited).string(tag);
          message(value, 4, writeImage(picture));
        });
      }
    });
  }
  return event.finish();
};
