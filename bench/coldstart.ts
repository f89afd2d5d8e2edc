/**
 * From the start of a process to its first image in a file, by phases, beside Python and diffusers: one image of a model
 * by DDIM. Prints a table of medians.
 *
 *     deno task bench coldstart [MODEL] [STEPS] [ROUNDS] [ENGINES]
 *
 * Files are read before, so that they come from the system's cache. Each start is a process of its own; contenders take
 * turns. A process says when each of its phases ended, in milliseconds since 1970.
 */
import { fromFileUrl } from "@std/path";
import { median } from "./median.ts";

const model = Deno.args[1] ?? "models/digits";
const [steps, rounds] = [Number(Deno.args[2] ?? 50), Number(Deno.args[3] ?? 7)];
const engines = (Deno.args[4] ?? "onnx,wasm").split(",");

const PHASES = ["program", "model", "engine", "network", "steps", "file"] as const;

/** When each phase ended. */
type Ends = Record<typeof PHASES[number], number>;

interface Contender {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const beside = (file: string) => fromFileUrl(new URL(`./coldstart/${file}`, import.meta.url));
const [folder, file] = ["runs/bench-coldstart", "runs/bench-coldstart/image.png"];

const contenders: Contender[] = [
  { name: "diffusers", command: "python3", args: [beside("diffusers_ddim.py"), model, String(steps), file] },
  ...engines.map((engine): Contender => ({
    name: engine,
    command: Deno.execPath(),
    args: [
      "run",
      "-q",
      "--no-prompt",
      "-P=engine",
      "--allow-read=.",
      "--allow-write=runs",
      beside("denoise.ts"),
      engine,
      model,
      String(steps),
      file,
    ],
  })),
];

/** Milliseconds of each phase of one start. */
const start = async ({ name, command, args }: Contender): Promise<number[]> => {
  const began = Date.now();
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  const text = new TextDecoder();
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${text.decode(stderr)}`);
  const ends: Ends = JSON.parse(text.decode(stdout).trim().split("\n").at(-1)!);
  const times = [began, ...PHASES.map((phase) => ends[phase])];
  return PHASES.map((_, i) => times[i + 1] - times[i]);
};

await Deno.mkdir(folder, { recursive: true });
try {
  const found = new Map(contenders.map(({ name }) => [name, [] as number[][]]));
  // The first of each fills the caches.
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const phases = await start(contender);
      if (round > 0) found.get(contender.name)!.push(phases);
    }
  }
  const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
  row(["ms, medians", ...PHASES, "all"]);
  row(["---", ...PHASES.map(() => "---:"), "---:"]);
  for (const [name, starts] of found) {
    const sums = starts.map((phases) => phases.reduce((sum, phase) => sum + phase));
    row([
      name,
      ...[...PHASES.keys().map((i) => median(starts.map((phases) => phases[i]))), median(sums)].map((ms) =>
        ms.toFixed(0)
      ),
    ]);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
