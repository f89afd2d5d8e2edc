/** The share of a new measurement in what is taken to be the cost. */
const WEIGHT = 0.2;

/** What network calls cost, by the rows that the network evaluates: learned from those that were made. */
export interface Costs {
  /** Takes note of a call. The first of its size is left out: it may compile. */
  record(bucket: number, cost: number): void;
  /**
   * The cost of a call, in the unit of `record`. A size that was never measured is taken to lie on the line between its
   * neighbours that were; beyond them, cost is taken to grow with the rows. Where nothing was measured, a row costs 1.
   *
   * A larger call is taken to be no cheaper as a whole and no dearer a row than a smaller one, whatever was measured: a
   * size that once came out too dear would not be tried again.
   */
  costOf(bucket: number): number;
}

/** Starts without knowing any cost. */
export const createCosts = (): Costs => {
  const seen = new Set<number>();
  const known = new Map<number, number>();

  const record = (bucket: number, cost: number) => {
    if (!seen.has(bucket)) return void seen.add(bucket);
    const before = known.get(bucket);
    known.set(bucket, before === undefined ? cost : before + WEIGHT * (cost - before));
  };

  const estimate = (bucket: number): number => {
    const sizes = [...known.keys()].sort((a, b) => a - b);
    const below = sizes.findLast((size) => size <= bucket);
    const above = sizes.find((size) => size >= bucket);
    if (below === undefined || above === undefined) {
      const nearest = below ?? above;
      return nearest === undefined ? bucket : known.get(nearest)! * bucket / nearest;
    }
    const [low, high] = [known.get(below)!, known.get(above)!];
    return below === above ? low : low + (high - low) * (bucket - below) / (above - below);
  };

  const costOf = (bucket: number): number => {
    let cost = estimate(bucket);
    for (const [size, other] of known) cost = Math.min(cost, size < bucket ? other * bucket / size : other);
    return cost;
  };

  return { record, costOf };
};
