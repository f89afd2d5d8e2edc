import { philox4x32 } from "../../core/mod.ts";
import { architectureOf } from "../../model/architecture.ts";
import { sampleShape, type UNetConfig } from "../../model/unet_config.ts";
import { TRAINING_DOMAINS } from "./domains.ts";

/** Elements an image of each layer that drops some, in the order in which the network runs them. */
export const dropoutSizes = (config: UNetConfig): number[] => {
  const { down, mid, up } = architectureOf(config);
  const [height, width] = sampleShape(config);
  const sizeAt = (level: number, channels: number) => height * width / 4 ** level * channels;
  const last = down.length - 1;
  return [
    ...down.flatMap(({ layers }, level) => layers.map(({ outChannels }) => sizeAt(level, outChannels))),
    ...mid.map(({ outChannels }) => sizeAt(last, outChannels)),
    ...up.flatMap(({ layers }, i) => layers.map(({ outChannels }) => sizeAt(last - i, outChannels))),
  ];
};

/** What a stretch of a mask belongs to. */
export interface MaskKey {
  readonly seed: number;
  readonly step: number;
  /** Place of the layer among those of {@linkcode dropoutSizes}. */
  readonly layer: number;
  /** Place of the first element in the whole batch's mask, a multiple of 4. */
  readonly first: number;
}

/** The key of Philox for a seed, the lowest word first. */
export const philoxKey = (seed: number): Int32Array => Int32Array.of(seed, Math.floor(seed / 2 ** 32));

/** The counter of Philox from which a mask's words run on, the lowest word first. */
export const maskCounter = ({ step, layer, first }: Omit<MaskKey, "seed">): Int32Array =>
  Int32Array.of(Math.ceil(first / 4), step, layer, TRAINING_DOMAINS.dropout);

/**
 * Fills a mask: 1 for what is kept, 0 for a share `rate` that is dropped. A function of the seed, the step, the layer and
 * the element's place in the batch, which a batch's parts share; `counterUniform` on an engine draws the same.
 */
export const fillMask = (mask: Uint8Array, { seed, ...key }: MaskKey, rate: number): void => {
  const words = new Int32Array(4);
  const [low, high] = philoxKey(seed);
  const [block, step, layer, domain] = maskCounter(key);
  const threshold = Math.fround(rate) * 2 ** 23;
  for (let i = 0; i < mask.length; i += 4) {
    philox4x32(words, block + i / 4, step, layer, domain, low, high);
    for (let k = 0; k < 4 && i + k < mask.length; k++) mask[i + k] = (words[k] & 0x7fffff) >= threshold ? 1 : 0;
  }
};
