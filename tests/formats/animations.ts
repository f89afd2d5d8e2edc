import type { Animation } from "../../formats/animation.ts";

/** A film from noise to waves, as a sampler's is: the noisiest frames and the smoothest. */
export const waves = (
  { count, height, width, channels }: { count: number; height: number; width: number; channels: number },
): Animation => {
  let state = 12345;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const frames = Array.from({ length: count }, (_, f) => {
    const share = count === 1 ? 1 : f / (count - 1);
    return Uint8Array.from({ length: height * width * channels }, (_, i) => {
      const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
      const wave = 100 * Math.sin(x / 5 + y / 7 + 2 * c);
      const value = 128 + share * wave + (1 - share) * 150 * (noise() + noise() + noise());
      return Math.min(255, Math.max(0, Math.round(value)));
    });
  });
  return { frames, height, width, channels };
};
