/**
 * Sinusoidal embedding of timesteps (Ho et al. 2020, appendix B; the frequencies of Vaswani et al. 2017), computed in
 * float32 steps as diffusers does.
 *
 * @param timesteps n timesteps, each ≥ 0
 * @param options.size width of the embedding
 * @param options.freqShift the frequencies run over size/2 − freqShift divisions: 1 in the paper's code, 0 elsewhere
 * @param options.flipSinToCos cosines first
 * @returns [n, size], row by row
 */
export const timestepEmbedding = (
  timesteps: ArrayLike<number>,
  { size, freqShift, flipSinToCos }: { size: number; freqShift: number; flipSinToCos: boolean },
): Float32Array<ArrayBuffer> => {
  const half = Math.floor(size / 2);
  const embedding = new Float32Array(timesteps.length * size);
  const sine = flipSinToCos ? half : 0, cosine = half - sine;
  for (let i = 0; i < half; i++) {
    const exponent = Math.fround(Math.fround(Math.fround(-Math.log(10000)) * i) / (half - freqShift));
    const frequency = Math.fround(Math.exp(exponent));
    for (let row = 0; row < timesteps.length; row++) {
      const angle = Math.fround(timesteps[row] * frequency);
      embedding[row * size + sine + i] = Math.sin(angle);
      embedding[row * size + cosine + i] = Math.cos(angle);
    }
  }
  return embedding;
};
