import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { compareRuns } from "../../../bench/kill/check_runs.ts";
import { openStorage } from "../../../jobs/storage/open_storage.ts";
import { missing, run, testCommandLine } from "../../commands/run_main.ts";
import { startS3, whyNoS3 } from "./s3_server.ts";

const TINY = [
  ...["train", "--preset", "tiny", "--batch", "4", "--timesteps", "10", "--engine", "wasm"],
  ...["--checkpoint-every", "2", "--sample-every", "2", "--keep", "1"],
];

testCommandLine(
  "a run that another machine goes on with from the storage loses no bit by it",
  async (folder) => {
    await using server = await startS3();
    const open = () =>
      openStorage("s3://bucket/runs", {
        environment: (name) => ({ ...server.variables } as Record<string, string>)[name],
      });
    const whole = join(folder, "whole"), here = join(folder, "here", "cats"), there = join(folder, "there", "cats");
    assertEquals((await run(...TINY, "--steps", "4", "--out", whole)).code, 0);
    assertEquals((await run(...TINY, "--steps", "2", "--out", here)).code, 0);
    await (await open()).push(here);

    await (await open()).fetch(there, { claim: true });
    assertEquals((await run("train", "--resume", there, "--steps", "4")).code, 0);
    // That it was to end at step 2 first is all that is left of it.
    assertEquals(compareRuns(whole, there).differences, ["config.json"]);
  },
  missing || whyNoS3,
);
