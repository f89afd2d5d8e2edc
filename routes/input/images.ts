import type { ModelInfo } from "../../serving/model_info.ts";
import { ParameterError } from "../../serving/resolve.ts";
import type { Codec } from "../codec/client.ts";
import type { Limits } from "../limits.ts";
import type { Tools } from "../tasks/task.ts";
import { decodeBase64 } from "./base64.ts";

type Received = Uint8Array<ArrayBuffer> | string;

const describe = (received: Received): string =>
  typeof received === "string" ? `text of ${received.length} characters` : `a file of ${received.length} bytes`;

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
  const decode = async (
    field: string,
    received: Received,
    run: (bytes: Uint8Array<ArrayBuffer>) => Promise<Float32Array>,
  ): Promise<Float32Array> => {
    const refuse = (allowed: string) => new ParameterError([{ field, received: describe(received), allowed }]);
    const bytes = typeof received === "string" ? decodeBase64(received) : received;
    if (bytes === null) throw refuse("base64, or a data: URL of it");
    try {
      return await run(bytes);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.name === "ImageError") throw refuse(`a PNG, JPEG or WebP that can be read: ${error.message}`);
      if (error.name === "CodecTimeoutError") throw refuse(`an image that is decoded sooner: ${error.message}`);
      throw error;
    }
  };
  const { pixels: maxPixels } = limits;
  return {
    image: (field, received) =>
      decode(field, received, (bytes) => decoder.run("decodeImage", bytes, { height, width, channels, maxPixels })),
    mask: (field, received) =>
      decode(field, received, (bytes) => decoder.run("decodeMask", bytes, { height, width, maxPixels })),
  };
};
