import { join } from "@std/path";
import { decodeNpz, encodeNpz } from "../../formats/npz.ts";
import { replaceFile } from "../../jobs/training/durable.ts";
import { quantitiesOf } from "./quantities.ts";
import { createStand, type Stand } from "./stand.ts";

/** Where stands of one evaluation are kept between runs, those of different numbers of images side by side. */
export interface KeptStands {
  /** How far the evaluation has come, for `n` images in all: the furthest that was kept, or nothing done. */
  read(n: number): Promise<Stand>;
  /** Keeps a stand on the way to `n` images; a crash at any time leaves it or the one before. */
  keep(n: number, stand: Stand): Promise<void>;
}

const encode = ({ moments, pending }: Stand): Uint8Array => {
  const floats = (data: Float64Array<ArrayBuffer>) => ({ dtype: "float64", shape: [data.length], data } as const);
  return encodeNpz({
    means: floats(moments.means),
    squares: floats(moments.squares),
    counts: floats(Float64Array.of(moments.count, pending?.size ?? 0, pending?.step ?? 0)),
    pending: floats(pending?.values ?? new Float64Array(0)),
  });
};

const decode = (bytes: Uint8Array, steps: number): Stand => {
  const arrays = decodeNpz(bytes);
  const length = quantitiesOf(steps);
  const floats = (name: string, length: number): Float64Array<ArrayBuffer> => {
    const data = arrays[name]?.data;
    if (data instanceof Float64Array && data.length === length) return Float64Array.from(data);
    throw new SyntaxError(`${name} must be ${length} numbers`);
  };
  const [count, size, step] = floats("counts", 3);
  const pending = size === 0 ? null : { size, step, values: floats("pending", size * length) };
  return { moments: { count, means: floats("means", length), squares: floats("squares", length) }, pending };
};

/** What is behind `n` images is of no use on the way there. */
const within = (stand: Stand, n: number): Stand | null => {
  if (stand.moments.count > n) return null;
  const fits = stand.pending !== null && stand.moments.count + stand.pending.size <= n;
  return fits ? stand : { ...stand, pending: null };
};

const worthOf = ({ moments, pending }: Stand, steps: number): number =>
  moments.count * steps + (pending ? pending.size * (steps - 1 - pending.step) : 0);

/**
 * Stands in a folder, as `.npz` files by the digest of all that the numbers depend on beside how many images there are.
 *
 * @param options.onDamaged hears of a file that cannot be read, which is passed over
 */
export const createKeptStands = (
  { folder, key, steps, onDamaged }: {
    folder: string;
    key: string;
    steps: number;
    onDamaged: (file: string, reason: string) => void;
  },
): KeptStands => {
  const start = `bpd-${key}-`;
  const readAll = async (): Promise<Stand[]> => {
    const stands: Stand[] = [];
    for (const { name } of Deno.readDirSync(folder)) {
      if (!name.startsWith(start) || !name.endsWith(".npz")) continue;
      const file = join(folder, name);
      try {
        stands.push(decode(await Deno.readFile(file), steps));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        onDamaged(file, error.message);
      }
    }
    return stands;
  };
  return {
    read: async (n) =>
      (await readAll()).map((stand) => within(stand, n)).filter((stand) => stand !== null)
        .reduce((best, stand) => worthOf(stand, steps) > worthOf(best, steps) ? stand : best, createStand(steps)),
    keep: (n, stand) => replaceFile(join(folder, `${start}${n}.npz`), encode(stand)),
  };
};
