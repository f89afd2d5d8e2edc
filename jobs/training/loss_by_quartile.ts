/**
 * The mean loss of the images whose timestep falls into each quarter of 0 … T − 1, the least noisy first; `null` for a
 * quarter without images.
 *
 * @param timesteps each image's t
 * @param losses each image's loss
 * @param T the number of timesteps
 */
export const lossByQuartile = (
  timesteps: ArrayLike<number>,
  losses: ArrayLike<number>,
  T: number,
): (number | null)[] => {
  const sums = [0, 0, 0, 0], counts = [0, 0, 0, 0];
  for (let i = 0; i < timesteps.length; i++) {
    const quarter = Math.floor(4 * timesteps[i] / T);
    sums[quarter] += losses[i];
    counts[quarter]++;
  }
  return sums.map((sum, quarter) => counts[quarter] === 0 ? null : sum / counts[quarter]);
};
