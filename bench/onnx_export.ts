/**
 * The network as `deno task export --format onnx` writes it beside the graphs that PyTorch exports of diffusers' own, on
 * Python's ONNX Runtime: digits, and the paper's CIFAR-10 network with random weights.
 *
 *     deno task bench onnx-export [ROUNDS]
 */
import { fromFileUrl, join } from "@std/path";
import { encodeUNetAsOnnx } from "../model/onnx.ts";
import { loadPipeline } from "../model/pipeline.ts";
import { median } from "./median.ts";
import { writeCifar10Model } from "./network/cifar10_model.ts";

interface Timed {
  readonly versions: string;
  /** From PyTorch's own output, in units of its largest value. */
  readonly differences: Readonly<Record<string, number>>;
  readonly seconds: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

const [, rounds = "7"] = Deno.args;
const SCRIPT = fromFileUrl(new URL("onnx_export/time_graphs.py", import.meta.url));
const scratch = "runs/bench-onnx-export";

const time = async (folder: string, file: string): Promise<Timed> => {
  const child = new Deno.Command("python3", { args: [SCRIPT, folder, file, rounds], stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await child.output();
  const complaints = new TextDecoder().decode(stderr);
  if (!success) throw new Error(`Cannot time the graphs of ${folder}: ${complaints}`);
  for (const [line] of complaints.matchAll(/^left out: .*$/gm)) console.error(line);
  // The exporter talks on standard output too.
  return JSON.parse(new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1)!);
};

const table = ({ versions, differences, seconds }: Timed): string => {
  const { denoise: own } = seconds;
  const rows = Object.keys(own);
  const cell = (graph: string, at: string) => {
    const milliseconds = 1000 * median(seconds[graph][at]);
    return `${milliseconds.toFixed(1)} ms (${(1000 * median(own[at]) / milliseconds).toFixed(2)}×)`;
  };
  const head = ["", ...rows.map((at) => at === "1" ? "1 row" : `${at} rows`), "ε differs by"];
  const lines = Object.entries(differences).map(([graph, difference]) => {
    return [graph, ...rows.map((at) => cell(graph, at)), difference.toExponential(1)];
  });
  const rule = head.map((_, i) => i === 0 ? "---" : "---:");
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n") + `\n\n${versions}`;
};

try {
  const models = {
    digits: await loadPipeline("models/digits"),
    cifar10: await writeCifar10Model(join(scratch, "cifar10")),
  };
  for (const [name, pipeline] of Object.entries(models)) {
    const file = join(scratch, `${name}.onnx`);
    await Deno.writeFile(file, await encodeUNetAsOnnx(pipeline, { producer: "bench", name }));
    console.log(`${name}\n\n${table(await time(pipeline.folder, file))}\n`);
  }
} finally {
  await Deno.remove(scratch, { recursive: true });
}
