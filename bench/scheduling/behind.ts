import type { Serving } from "../../serving/serving.ts";
import { median } from "../median.ts";
import { requestFor } from "./ways.ts";

const RUNS = 5;

/** Seconds of the long requests' time that are waited for; the rest is reckoned. */
const WAIT_SECONDS = 20;

/** How long ten steps take alone, and behind sixteen requests of 1000, in milliseconds; and how long those take. */
export const measureBehind = async (serving: Serving) => {
  const { name, timesteps } = serving.models[0];
  const steps = Math.min(1000, timesteps);
  const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
    const started = performance.now();
    await work();
    return (performance.now() - started) / 1000;
  };
  const short = () => secondsOf(() => serving.run(name, requestFor(serving, 1, 10, 2)));
  const several = async () => {
    const seconds: number[] = [];
    for (let i = 0; i < RUNS; i++) seconds.push(await short());
    return median(seconds);
  };

  const before = await several();
  const leaving = new AbortController();
  const { signal } = leaving;
  const begun = performance.now();
  const crowd = Array.from({ length: 16 }, (_, i) => serving.run(name, requestFor(serving, 1, steps, i), { signal }));
  await serving.run(name, requestFor(serving, 1, Math.min(20, steps), 3));
  const among = await several();

  const { rows, seconds } = serving.stats[0];
  const timer = Promise.withResolvers<void>();
  const id = setTimeout(timer.resolve, WAIT_SECONDS * 1000);
  await Promise.race([Promise.all(crowd), timer.promise]);
  clearTimeout(id);
  const done = serving.stats[0].rows - rows;
  const rate = done / (serving.stats[0].seconds - seconds);
  const left = Math.max(0, 16 * steps - done);
  const crowdSeconds = (performance.now() - begun) / 1000 + left / rate;
  leaving.abort();
  await Promise.allSettled(crowd);

  return {
    steps,
    aloneMilliseconds: 1000 * Math.min(before, await several()),
    behindMilliseconds: 1000 * among,
    longSecondsAbout: crowdSeconds,
  };
};
