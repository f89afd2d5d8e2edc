import type { Network } from "../../sampling/denoise.ts";

/**
 * A network whose output follows from its row alone: ε for a Gaussian around the label, with every neighbour's bits kept
 * out. It counts its calls and their rows.
 */
export const gaussianNetwork = ({ learned = false }: { learned?: boolean } = {}) => {
  const height = 4, width = 4, channels = 3, outChannels = learned ? 6 : 3;
  const calls: { timesteps: number[]; labels: number[] | null }[] = [];
  const network: Network = {
    height,
    width,
    channels,
    outChannels,
    evaluate: (x, timesteps, labels) => {
      const n = timesteps.length, pixels = height * width;
      calls.push({ timesteps: Array.from(timesteps), labels: labels && Array.from(labels) });
      const out = new Float32Array(n * pixels * outChannels);
      for (let row = 0; row < n; row++) {
        const mean = labels ? labels[row] / 10 : 0, scale = 0.5 + timesteps[row] / 2000;
        for (let i = 0; i < pixels * channels; i++) {
          const value = (x[row * pixels * channels + i] - mean) * scale;
          const at = (row * pixels + Math.floor(i / channels)) * outChannels + i % channels;
          out[at] = value;
          if (learned) out[at + channels] = Math.tanh(value);
        }
      }
      return out;
    },
  };
  return { network, calls };
};
