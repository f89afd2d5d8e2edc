import { createHash } from "node:crypto";
import type { Pipeline } from "../model/pipeline.ts";

/** SHA-256 of a model's network, process, classes and weights, in hexadecimal; wherever its folder lies. */
export const modelDigest = ({ unet, scheduler, labels, nullLabel, weights }: Pipeline): string => {
  const hash = createHash("sha256").update(JSON.stringify({ unet, scheduler, labels, nullLabel }));
  for (const name of [...weights.keys()].sort()) {
    const { shape, data } = weights.get(name)!;
    hash.update(JSON.stringify([name, shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
};
