import { fillNormal } from "../../core/mod.ts";
import type { EpsilonRequest, TimedOperation } from "./contender.ts";

/** What a program can be asked for. */
export interface Abilities {
  /** Makes the inputs of an operation; what it returns is timed, until its result lies in JavaScript's memory. */
  prepare(rows: number): () => unknown;
  /** ε_θ of one image, NHWC. */
  evaluate?(x: Float32Array, timestep: number): Float32Array | Promise<Float32Array>;
}

/** Standard normals for `rows` images of `size` values. */
export const normalImages = (rows: number, size: number, step = 0): Float32Array<ArrayBuffer> => {
  const values = new Float32Array(rows * size);
  for (let i = 0; i < rows; i++) fillNormal(values.subarray(i * size, (i + 1) * size), { seed: 1, sample: i, step });
  return values;
};

/** Does the first operation, of one row, says so, and answers until its stdin ends; contender.ts has the other side. */
export const answerRequests = async (description: string, { prepare, evaluate }: Abilities): Promise<void> => {
  const writeLine = (message: unknown) => console.log(JSON.stringify(message));
  const reply = async (request: TimedOperation | EpsilonRequest) => {
    if (request.operation === "evaluate") {
      return { epsilon: Array.from(await evaluate!(Float32Array.from(request.x), request.timestep)) };
    }
    const operation = prepare(request.rows);
    const started = performance.now();
    await operation();
    return { seconds: (performance.now() - started) / 1000, residentBytes: Deno.memoryUsage().rss };
  };

  await prepare(1)();
  writeLine({ description });
  let buffered = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    buffered += text;
    const lines = buffered.split("\n");
    buffered = lines.pop()!;
    for (const line of lines) writeLine(await reply(JSON.parse(line)));
  }
};
