/**
 * Asks a server for /health, over and over, on a connection of its own each time and from an address of its own: in a
 * Worker, so that what else its process does is not counted.
 */

/** What to ask, and until when. */
export interface HealthWatch {
  readonly origin: string;
  readonly milliseconds: number;
}

/** Milliseconds until each answer; null for one that had not come in ten seconds. */
export type HealthTimes = readonly (number | null)[];

const healthTime = async (origin: string): Promise<number | null> => {
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0, localAddress: "127.0.0.2" });
  const started = performance.now();
  try {
    const response = await fetch(`${origin}/health`, { client, signal: AbortSignal.timeout(10_000) });
    await response.body!.cancel();
    return response.status === 200 ? performance.now() - started : null;
  } catch {
    return null;
  } finally {
    client.close();
  }
};

const self = globalThis as unknown as {
  onmessage: (event: MessageEvent<HealthWatch>) => Promise<void>;
  postMessage(times: HealthTimes): void;
};

self.onmessage = async ({ data: { origin, milliseconds } }) => {
  const end = performance.now() + milliseconds;
  const times: (number | null)[] = [];
  while (performance.now() < end) {
    times.push(await healthTime(origin));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  self.postMessage(times);
};
