import { normal, uniform } from "../core/mod.ts";
import { type Parameter, unetParameters } from "./architecture.ts";
import type { StoredTensor } from "./safetensors.ts";
import type { UNetConfig } from "./unet_config.ts";

/** The domain of the draws that weights start from. */
const INITIALIZATION_DOMAIN = 0x1a17;

const initialize = ({ shape, kind }: Parameter, index: number, seed: number): Float32Array<ArrayBuffer> => {
  const size = shape.reduce((product, n) => product * n, 1);
  switch (kind) {
    case "zero-weight":
    case "bias":
      return new Float32Array(size);
    case "scale":
      return new Float32Array(size).fill(1);
    case "embedding":
      return Float32Array.from({ length: size }, (_, i) => normal(seed, index, 0, i, INITIALIZATION_DOMAIN));
    case "weight": {
      const [out, inputs, ...window] = shape;
      const area = window.reduce((product, n) => product * n, 1);
      const bound = Math.sqrt(3 / ((out + inputs) * area / 2));
      const draw = (i: number) => uniform(seed, index, 0, i, INITIALIZATION_DOMAIN);
      return Float32Array.from({ length: size }, (_, i) => bound * (2 * draw(i) - 1));
    }
  }
};

/**
 * Draws the weights that training starts from, as the paper's code does: uniform with a variance of 2 / (fan-in +
 * fan-out), biases zero, and zero for the last layer of every residual branch and of the network, so that each block
 * starts as the identity and ε_θ as 0.
 *
 * @param seed the same seed gives the same weights on every machine
 * @returns each tensor by its name, in diffusers' layout
 */
export const initializeUNet = (config: UNetConfig, seed: number): Map<string, StoredTensor> =>
  new Map(
    unetParameters(config).map((parameter, i) => [
      parameter.name,
      { shape: parameter.shape, data: initialize(parameter, i, seed) },
    ]),
  );
