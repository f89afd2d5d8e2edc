import { ParameterError } from "../../sampling/errors.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import type { Codec } from "../codec/client.ts";
import type { Limits } from "../limits.ts";
import type { Tools } from "../tasks/task.ts";

type Received = Uint8Array<ArrayBuffer> | string;

const describe = (received: Received): string =>
  typeof received === "string" ? `text of ${received.length} characters` : `a file of ${received.length} bytes`;

/** The errors that are the image's fault, with what would be none. */
const FAULTS: Readonly<Record<string, string>> = {
  ImageError: "a PNG, JPEG or WebP that can be read",
  CodecTimeoutError: "an image that is decoded sooner",
};

/**
 * Makes the decoders of a request's images, for the model that they are meant for.
 *
 * @param tools.decoder runs them, where they hold nobody up
 */
export const imageTools = (
  model: ModelInfo,
  { decoder, limits }: { decoder: Codec; limits: Limits },
): Pick<Tools, "image" | "mask"> => {
  const { height, width, channels } = model;
  const { pixels: maxPixels } = limits;
  const blame = (field: string, received: Received) => (error: Error) => {
    const fault = FAULTS[error.name];
    if (fault === undefined) throw error;
    throw new ParameterError([{ field, received: describe(received), allowed: `${fault}: ${error.message}` }]);
  };
  return {
    image: (field, received) =>
      decoder.run("decodeReceived", received, { height, width, channels, maxPixels }).catch(blame(field, received)),
    mask: (field, received) =>
      decoder.run("decodeReceivedMask", received, { height, width, maxPixels }).catch(blame(field, received)),
  };
};
