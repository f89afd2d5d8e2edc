/**
 * Moves labels apart that would lie on each other, as little as it takes, between two bounds.
 *
 * @param wanted where the middle of each label would stand
 * @returns where each stands, at least `gap` from the next wherever all of them fit
 */
export const spreadLabels = (
  wanted: readonly number[],
  { gap, least, most }: { gap: number; least: number; most: number },
): number[] => {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const placed = wanted.map((at) => Math.min(most, Math.max(least, at)));
  for (let n = 1; n < order.length; n++) {
    placed[order[n]] = Math.max(placed[order[n]], placed[order[n - 1]] + gap);
  }
  let bound = most;
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i], bound);
    bound = placed[i] - gap;
  }
  return placed;
};
