/**
 * Kills training processes at random moments, resumes them, and compares what they end with, file by file, with a run
 * that was never interrupted. Fails unless all is the same, and no checkpoint was ever damaged.
 *
 *     deno task bench kill [ENGINE [KILLS [SEED]]]
 */
import { KILLED_DURING, type KilledRecipe, type KillMeasurement, measureKills } from "./kill/measure_kills.ts";

const RESULTS = "bench/results/kill.json";
const KILLS: Record<string, number> = { wasm: 100, tensorflow: 20 };

const [, chosen, count, seed = "0"] = Deno.args;
const engines = chosen === undefined ? Object.keys(KILLS) : [chosen];

/** All that a recipe has, so that all of it is shown to resume; few timesteps, so that a grid of samples is cheap. */
const recipeFor = (engine: string): KilledRecipe => ({
  keep: 2,
  args: [
    ...["--engine", engine, "--preset", "tiny", "--steps", "40", "--batch", "4", "--micro-batch", "2", "--warmup", "5"],
    ...["--schedule", "cosine", "--timesteps", "8", "--variance", "learned_range"],
    ...["--timestep-sampling", "importance", "--dropout", "0.1", "--flip", "--ema", "0.99,0.9"],
    ...["--data", "mnist-test", "--tensorboard", "--checkpoint-every", "2", "--sample-every", "20", "--keep", "2"],
  ],
});

const readResults = async (): Promise<Record<string, KillMeasurement & { seed: number }>> => {
  try {
    return JSON.parse(await Deno.readTextFile(RESULTS));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
};

await Deno.mkdir("runs", { recursive: true });
const results = await readResults();
let failed = false;
for (const engine of engines) {
  const folder = await Deno.makeTempDir({ dir: "runs", prefix: "bench-kill-" });
  const name = folder.slice(folder.lastIndexOf("runs/"));
  const measured = await measureKills(name, recipeFor(engine), {
    kills: Number(count ?? KILLS[engine] ?? 20),
    seed: Number(seed),
    onProgress: ({ kills, differences, faults }) =>
      console.error(`${engine}: ${kills} kills, ${differences.length} differences, ${faults.length} faults`),
  });
  results[engine] = { seed: Number(seed), ...measured };
  const isClean = measured.differences.length === 0 && measured.faults.length === 0;
  for (const line of [...measured.differences, ...measured.faults].slice(0, 40)) console.error(line);
  if (isClean) await Deno.remove(folder, { recursive: true });
  else failed = true;
}
await Deno.writeTextFile(RESULTS, JSON.stringify(results, null, 2) + "\n");

const columns = engines.map((engine) => results[engine]);
const row = (name: string, value: (measured: KillMeasurement) => number) =>
  console.log(`| ${name} | ${columns.map(value).join(" | ")} |`);
console.log(`| | ${engines.join(" | ")} |\n| --- | ${engines.map(() => "---:").join(" | ")} |`);
row("kills", ({ kills }) => kills);
for (const phase of KILLED_DURING) row(`… ${phase}`, ({ places }) => places[phase] ?? 0);
row("runs, each killed until it was done", ({ runs }) => runs);
row("files compared", ({ files }) => files);
row("files that differ", ({ differences }) => differences.length);
row("damaged checkpoints, failed resumes", ({ faults }) => faults.length);
if (failed) Deno.exit(1);
