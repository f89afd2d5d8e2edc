import { join } from "@std/path";

/** What one step leaves in `metrics.jsonl`. */
export interface Metrics {
  /** Counted from 1. */
  readonly step: number;
  readonly loss: number;
  /** Norm of the gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** Opens `metrics.jsonl`, one line a step, for appending; lines from after `step` are dropped first. */
export const openMetrics = async (run: string, step: number): Promise<Disposable & { write(line: Metrics): void }> => {
  const path = join(run, "metrics.jsonl");
  const text = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  const lines = text.split("\n").slice(0, -1);
  const kept = lines.filter((line) => {
    try {
      return JSON.parse(line).step <= step;
    } catch {
      return false;
    }
  });
  if (kept.length < lines.length || !text.endsWith("\n")) {
    await Deno.writeTextFile(path, kept.map((line) => line + "\n").join(""));
  }
  const file = await Deno.open(path, { append: true, create: true });
  const encoder = new TextEncoder();
  return {
    write: (line) => file.writeSync(encoder.encode(JSON.stringify(line) + "\n")),
    [Symbol.dispose]: () => file.close(),
  };
};
