/** A request that wants to take part in the next network call. */
export interface Claim {
  /** Images that can do a step now. */
  readonly ready: number;
  /** Rows that one of them takes. */
  readonly places: 1 | 2;
  /** Rows that all of the request's steps take together: the work that it came with. */
  readonly work: number;
}

/** A claim, and how many of its images are in. */
export interface Share<C extends Claim> {
  readonly claim: C;
  readonly images: number;
}

const fill = <C extends Claim>(claims: readonly C[], limit: number): { shares: Share<C>[]; rows: number } => {
  const shares: Share<C>[] = [];
  let free = limit;
  for (const claim of claims) {
    const images = Math.min(claim.ready, Math.floor(free / claim.places));
    if (images > 0) shares.push({ claim, images });
    free -= images * claim.places;
    if (free === 0) break;
  }
  return { shares, rows: limit - free };
};

/** The sizes of a call that are worth a thought, the largest first: the capacity, and the powers of two below it. */
const limitsOf = (capacity: number): number[] => {
  const powers = Array.from({ length: Math.ceil(Math.log2(capacity)) }, (_, i) => 2 ** i);
  return [capacity, ...powers.reverse()];
};

/**
 * Chooses who takes part in the next network call: of the claims in their order as many as fit, for that size of the call
 * where the share of their requests that gets done a second is largest, Σ rows / work / cost.
 *
 * So equal requests share the calls as long as a larger call is cheaper a row; and a short request does not wait for long
 * ones beside it where the engine takes longer for more rows, which costs the long ones next to nothing.
 *
 * The first claim is always in.
 *
 * @param claims at least one, in the order of precedence; those with nothing ready are passed over
 * @param options.capacity the most rows of a call, at least 2
 * @param options.costOf what a call with so many rows costs, in any unit
 */
export const chooseBatch = <C extends Claim>(
  claims: readonly C[],
  { capacity, costOf }: { capacity: number; costOf: (rows: number) => number },
): Share<C>[] => {
  let best: Share<C>[] = [];
  let most = -1;
  for (const limit of limitsOf(capacity)) {
    if (limit < claims[0].places) continue;
    const { shares, rows } = fill(claims, limit);
    const done = shares.reduce((sum, { claim, images }) => sum + images * claim.places / claim.work, 0);
    const rate = done / Math.max(costOf(rows), Number.MIN_VALUE);
    if (rate > most) [best, most] = [shares, rate];
  }
  return best;
};
