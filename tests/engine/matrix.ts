/**
 * Prints the engine matrix, a row for each suite and quantity and a column for each engine, out of what tests measured:
 *
 *     DENOISE_DIFFERENCES=runs/differences.jsonl deno test -A tests/engine tests/model tests/training/train_step_test.ts
 *     deno run --allow-read=runs tests/engine/matrix.ts runs/differences.jsonl
 */
import type { Worst } from "./assert_within.ts";

const [file] = Deno.args;
const found: Worst[] = (await Deno.readTextFile(file)).trim().split("\n").map((line) => JSON.parse(line));
const ENGINES = ["cpu", "wasm", "onnx", "onnx, compiled", "tensorflow", "tensorflow, compiled", "webgpu-software"];

const show = (value: number) =>
  Number.isInteger(value) ? String(value) : value.toExponential(1).replace("-", "−").replace(".0e", "e");
const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
const rowOf = ({ suite, quantity }: Worst) => `${suite}: ${quantity}`;

const lines = [...new Set(found.map(rowOf))].map((name) => {
  const cells = ENGINES.map((engine) => {
    const measured = found.filter((worst) => rowOf(worst) === name && worst.engine === engine);
    return measured.length === 0 ? "" : show(Math.max(...measured.map(({ difference }) => difference)));
  });
  const limit = Math.max(...found.filter((worst) => rowOf(worst) === name).map(({ limit }) => limit));
  return row([name, show(limit), ...cells]);
});
console.log(row(["", "below", ...ENGINES]));
console.log(row(["---", ...ENGINES.map(() => "---:"), "---:"]));
console.log(lines.join("\n"));
