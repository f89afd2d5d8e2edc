/** One line of metrics: numbers, null where there is none, and lists of those. */
export type MetricsRow = Record<string, number | null | readonly (number | null)[]>;

type Sum = { total: number; count: number };

interface Bucket {
  /** Rows in it. */
  rows: number;
  step: number;
  readonly sums: Map<string, Sum | Sum[]>;
}

const addTo = (sum: Sum, value: unknown): Sum => {
  if (typeof value === "number" && Number.isFinite(value)) {
    sum.total += value;
    sum.count++;
  }
  return sum;
};

const put = (bucket: Bucket, row: Readonly<Record<string, unknown>>): void => {
  bucket.rows++;
  bucket.step = row.step as number;
  for (const [key, value] of Object.entries(row)) {
    if (key === "step") continue;
    if (Array.isArray(value)) {
      const sums = bucket.sums.get(key) ?? [];
      if (Array.isArray(sums)) bucket.sums.set(key, value.map((v, i) => addTo(sums[i] ?? { total: 0, count: 0 }, v)));
    } else if (value === null || typeof value === "number") {
      const sum = bucket.sums.get(key) ?? { total: 0, count: 0 };
      if (!Array.isArray(sum)) bucket.sums.set(key, addTo(sum, value));
    }
  }
};

const plus = (a: Sum | undefined, b: Sum | undefined): Sum => ({
  total: (a?.total ?? 0) + (b?.total ?? 0),
  count: (a?.count ?? 0) + (b?.count ?? 0),
});

const merge = (a: Bucket, b: Bucket): Bucket => {
  const sums = new Map(a.sums);
  for (const [key, later] of b.sums) {
    const own = sums.get(key);
    if (own === undefined) sums.set(key, later);
    else if (Array.isArray(own) && Array.isArray(later)) sums.set(key, later.map((sum, i) => plus(own[i], sum)));
    else if (!Array.isArray(own) && !Array.isArray(later)) sums.set(key, plus(own, later));
  }
  return { rows: a.rows + b.rows, step: b.step, sums };
};

const mean = ({ total, count }: Sum): number | null => count === 0 ? null : total / count;

const rowOf = ({ rows, step, sums }: Bucket): MetricsRow => ({
  step,
  rows,
  ...Object.fromEntries(sums.entries().map(([key, sum]) => [key, Array.isArray(sum) ? sum.map(mean) : mean(sum)])),
});

/**
 * Thins a series out while it is read, in memory for `points` rows however long it is: each row that comes out is the mean
 * of as many that follow each other, `rows` of them, up to `step`. A series that is no longer stays as it is.
 *
 * @param points the most rows that come out, at least 2; half as many at least, where there are as many
 */
export const createDownsample = (
  points: number,
): { add(row: Readonly<Record<string, unknown>>): void; rows(): MetricsRow[] } => {
  const most = points - points % 2;
  let buckets: Bucket[] = [];
  let width = 1;
  return {
    add: (row) => {
      const last = buckets.at(-1);
      if (last && last.rows < width) return put(last, row);
      if (buckets.length === most) {
        buckets = Array.from({ length: most / 2 }, (_, i) => merge(buckets[2 * i], buckets[2 * i + 1]));
        width *= 2;
      }
      const bucket: Bucket = { rows: 0, step: 0, sums: new Map() };
      buckets.push(bucket);
      put(bucket, row);
    },
    rows: () => buckets.map(rowOf),
  };
};
