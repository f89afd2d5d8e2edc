import { assertLess } from "@std/assert";
import type { EngineName } from "../../engine/mod.ts";

/** What was compared: a row of the engine matrix (tests/engine/README.md), and its column. */
export interface Comparison {
  readonly suite: string;
  readonly quantity: string;
  readonly engine: string;
}

/** The column of what compiles where the engine does. */
export const columnOf = (engine: EngineName): string =>
  ["onnx", "tensorflow"].includes(engine) ? `${engine}, compiled` : engine;

/** The worst of many comparisons of a kind, and the most that any of them allowed. */
export interface Worst extends Comparison {
  difference: number;
  limit: number;
}

/** Names a file to which the worst difference of each kind is appended, a line of JSON each. */
const VARIABLE = "DENOISE_DIFFERENCES";

const isGranted = Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state === "granted";
const file = isGranted ? Deno.env.get(VARIABLE) : undefined;
const worst = new Map<string, Worst>();

if (file !== undefined) {
  addEventListener("unload", () => {
    const lines = Array.from(worst.values(), (kind) => JSON.stringify(kind) + "\n");
    Deno.writeTextFileSync(file, lines.join(""), { append: true });
  });
}

/** Asserts that a difference is below its limit, and keeps the worst of its kind for the engine matrix. */
export const assertWithin = (difference: number, limit: number, kind: Comparison, message = ""): void => {
  const key = `${kind.suite}\n${kind.quantity}\n${kind.engine}`;
  const known = worst.get(key) ?? { ...kind, difference: 0, limit: 0 };
  known.difference = Math.max(known.difference, difference);
  known.limit = Math.max(known.limit, limit);
  worst.set(key, known);
  assertLess(difference, limit, `${kind.suite} on ${kind.engine}, ${kind.quantity}: ${message}`);
};
