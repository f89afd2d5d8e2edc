import type { Chance } from "../chance.ts";
import type { MeasuredServer } from "./targets.ts";

const now = () => performance.now() / 1000;
const pause = (seconds: number) => new Promise((resume) => setTimeout(resume, seconds * 1000));

/** The value below which a share of the values lies. */
export const nearestRankQuantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
};

/** The middle one. */
export const upperMedian = (values: readonly number[]): number => nearestRankQuantile(values, 0.5);

/** Images a second that so many clients get, each of whom asks again as soon as it is answered. */
export const closedLoop = async (
  target: MeasuredServer,
  { clients, steps, seconds }: { clients: number; steps: number; seconds: number },
): Promise<number> => {
  const started = now();
  let images = 0;
  const beClient = async (client: number) => {
    do {
      await target.draw(steps, { seed: client });
      images++;
    } while (now() < started + seconds);
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => beClient(client)));
  return images / (now() - started);
};

/** What became of requests that came whether or not earlier ones were answered. */
export interface OpenLoop {
  readonly asked: number;
  readonly answered: number;
  /** Answers a second, up to the last one. */
  readonly perSecond: number;
  /** Seconds from request to answer; those never answered count with the time they had waited by the end. */
  readonly p50: number;
  readonly p95: number;
}

/** Poisson arrivals of requests of mixed steps for some seconds, and as many again to answer them. */
export const openLoop = async (
  target: MeasuredServer,
  chance: Chance,
  { rate, steps, seconds }: { rate: number; steps: readonly number[]; seconds: number },
): Promise<OpenLoop> => {
  const started = now();
  const leaving = new AbortController();
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  let [answered, last] = [0, 0];
  const draw = async (length: number, seed: number) => {
    const arrived = now();
    try {
      await target.draw(length, { seed, signal: leaving.signal });
      answered++;
      last = now() - started;
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    }
    latencies.push(now() - arrived);
  };
  for (let at = chance.wait(1 / rate); at < seconds; at += chance.wait(1 / rate)) {
    await pause(Math.max(0, at - (now() - started)));
    pending.push(draw(chance.pick(steps), chance.integer(0, 1e6)));
  }
  const timer = setTimeout(() => leaving.abort(), Math.max(0, 2 * seconds - (now() - started)) * 1000);
  await Promise.all(pending);
  clearTimeout(timer);
  const [p50, p95] = [0.5, 0.95].map((share) => nearestRankQuantile(latencies, share));
  return { asked: pending.length, answered, perSecond: answered / last, p50, p95 };
};

/** Seconds of a short request behind sixteen long ones that came just before, which are called off afterwards. */
export const behindLong = async (
  target: MeasuredServer,
  { long, short }: { long: number; short: number },
): Promise<number> => {
  const leaving = new AbortController();
  const crowd = Array.from({ length: 16 }, (_, seed) => target.draw(long, { seed, signal: leaving.signal }));
  await pause(0.3);
  const seconds = await target.draw(short);
  leaving.abort();
  await Promise.allSettled(crowd);
  return seconds;
};

/** Seconds that /health took each time, asked 50 times a second while something else goes on. */
export const lagWhile = async (target: MeasuredServer, work: Promise<unknown>): Promise<number[]> => {
  const times: number[] = [];
  let isOver = false;
  work.finally(() => isOver = true);
  while (!isOver) {
    const started = now();
    await (await fetch(`${target.origin}/health`)).bytes();
    times.push(now() - started);
    await pause(0.02);
  }
  return times;
};

const engineSeconds = async ({ origin }: MeasuredServer): Promise<number> =>
  Number(/denoise_engine_seconds_total{.*} (\S+)/.exec(await (await fetch(`${origin}/metrics`)).text())![1]);

/** Share of a request's time that is not the network's: HTTP, queueing, noise, samplers, encoding. */
export const overhead = async (target: MeasuredServer, { n, steps }: { n: number; steps: number }): Promise<number> => {
  const before = await engineSeconds(target);
  const seconds = await target.draw(steps, { n });
  return 1 - (await engineSeconds(target) - before) / seconds;
};
