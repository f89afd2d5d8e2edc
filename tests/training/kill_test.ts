import { assertEquals } from "@std/assert";
import { measureKills } from "../../bench/kill/measure_kills.ts";
import { missing, testCommandLine } from "../commands/run_main.ts";
import { whyNot } from "../engine/why_not.ts";

for (const [engine, kills, steps] of [["wasm", 6, 16], ["tensorflow", 3, 12]] as const) {
  testCommandLine(
    `train on ${engine}: killed at ${kills} random moments and resumed, it ends with every bit of a run that was not`,
    async (folder) => {
      const recipe = {
        keep: 2,
        args: [
          ...["--engine", engine, "--data", "mnist-test", "--preset", "tiny", "--steps", `${steps}`, "--batch", "4"],
          ...["--micro-batch", "2", "--timesteps", "4", "--timestep-sampling", "importance", "--ema", "0.99,0.9"],
          ...["--dropout", "0.1", "--checkpoint-every", "2", "--sample-every", `${steps / 2}`, "--keep", "2"],
        ],
      };
      const { differences, faults, ...counts } = await measureKills(folder, recipe, { kills, seed: 0 });
      assertEquals({ differences, faults }, { differences: [], faults: [] });
      assertEquals(counts.kills, kills);
    },
    missing || whyNot(engine),
  );
}
