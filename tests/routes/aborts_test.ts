import { assertEquals } from "@std/assert";
import { uniform } from "../../core/mod.ts";
import { asJson, bytesOf, pendingImages, until, withServer } from "./with_server.ts";

const WAYS: ((origin: string, signal: AbortSignal) => Promise<Response>)[] = [
  (origin, signal) => fetch(`${origin}/generate?n=3&steps=60`, { signal }),
  (origin, signal) => fetch(`${origin}/generate?n=2&steps=60&format=event-stream&frames=9`, { signal }),
  (origin, signal) => fetch(`${origin}/generate?n=2&steps=60&format=gif`, { signal }),
  (origin, signal) => fetch(`${origin}/generate`, { ...asJson({ n: 5, steps: 90, guidance: 2 }), signal }),
  (origin, signal) => fetch(`${origin}/interpolate`, { ...asJson({ seedA: 1, seedB: 2, lambdas: 4 }), signal }),
];

const openStreams = async (origin: string): Promise<number> =>
  Number(/^denoise_event_streams (\d+)$/m.exec(await (await fetch(`${origin}/metrics`)).text())![1]);

Deno.test("after hundreds of clients went away at any moment, nothing of theirs is left, and others are unharmed", () =>
  withServer(async ({ origin }) => {
    const reference = () => fetch(`${origin}/generate?n=4&steps=20&seed=11`);
    const before = await bytesOf(await reference(), "image/png");
    const abort = async (i: number) => {
      const client = new AbortController();
      const timer = setTimeout(() => client.abort(), 120 * uniform(1, 0, 0, i, 1));
      await WAYS[i % WAYS.length](origin, client.signal).then((response) => response.bytes()).catch(() => {});
      clearTimeout(timer);
    };
    for (let i = 0; i < 300; i += 20) {
      const [during] = await Promise.all([reference(), ...Array.from({ length: 20 }, (_, k) => abort(i + k))]);
      assertEquals(await bytesOf(during, "image/png"), before);
    }
    await until(() => pendingImages(origin), (images) => images === 0);
    await until(() => openStreams(origin), (streams) => streams === 0);
    assertEquals(await bytesOf(await reference(), "image/png"), before);
  }));
