import { assertEquals } from "@std/assert";
import { compileTask, type Target } from "../../sampling/compile.ts";
import type { Network } from "../../sampling/denoise.ts";
import type { SamplingRequest } from "../../sampling/request.ts";
import { createScheduler } from "../../serving/scheduler.ts";
import { type Chance, createChance, randomRequest } from "../sampling/random_request.ts";
import { drawAlone } from "../sampling/reference.ts";

/** A network, and what its requests are compiled for. */
export interface MixModel {
  readonly target: Target;
  readonly network: Network;
  readonly nullLabel: number | null;
  readonly bucketOf?: (rows: number) => number;
}

interface Drawn {
  readonly request: SamplingRequest;
  readonly images: Float32Array;
}

/** Random requests, each with the images that core's loops draw of it, alone. */
export const drawPool = async (model: MixModel, { count, seed }: { count: number; seed: number }): Promise<Drawn[]> => {
  const chance = createChance(seed);
  const pool: Drawn[] = [];
  for (let i = 0; i < count; i++) {
    const request = randomRequest(chance, model.target);
    pool.push({ request, images: await drawAlone(request, model) });
  }
  return pool;
};

/** How many values are not the very same. */
const differences = (a: Float32Array, b: Float32Array): number =>
  a.length === b.length ? a.filter((value, i) => !Object.is(value, b[i])).length : Infinity;

/**
 * Lets some of the pool's requests come at random times, calls some of them off at random steps, and checks the others
 * bit by bit.
 *
 * @returns the number of requests that were checked
 */
export const runMix = async (model: MixModel, pool: readonly Drawn[], chance: Chance): Promise<number> => {
  const { integer, pick, number } = chance;
  const { network, nullLabel, target, bucketOf } = model;
  const awaited = new Set<{ at: number; begin: () => void }>();
  const arrive = (step: number) => {
    for (const arrival of awaited) {
      if (arrival.at > step) continue;
      awaited.delete(arrival);
      arrival.begin();
    }
  };
  let step = 0;
  const scheduler = createScheduler(network, {
    capacity: integer(2, 16),
    nullLabel,
    bucketOf,
    onStep: () => arrive(++step),
  });
  const isCalledOff = () => number() < 0.2;

  const attend = async ({ request, images }: Drawn): Promise<number> => {
    const canceller = new AbortController();
    const last = isCalledOff() ? integer(1, 10) : Infinity;
    try {
      const got = await scheduler.submit(compileTask(request, target), {
        signal: canceller.signal,
        previews: pick([0, 0, 3]),
        onStep: ({ done }) => done >= last && canceller.abort(),
      });
      const wrong = differences(got, images);
      assertEquals(
        wrong,
        0,
        `values of ${images.length} that differ, ${request.kind} ${JSON.stringify(request.sampling)}`,
      );
      return 1;
    } catch (error) {
      if (!canceller.signal.aborted) throw error;
      return 0;
    }
  };

  const [first, ...later] = Array.from({ length: integer(2, 9) }, () => pick(pool));
  const ends = later.map((drawn) => {
    const { promise, resolve } = Promise.withResolvers<number>();
    awaited.add({ at: integer(0, 12), begin: () => resolve(attend(drawn)) });
    return promise;
  });
  ends.push(attend(first));
  arrive(0);
  await ends.at(-1);
  arrive(Infinity);
  const checked = await Promise.all(ends);
  assertEquals(scheduler.load, { live: 0, waiting: 0, left: 0 });
  return checked.reduce((sum, count) => sum + count, 0);
};
