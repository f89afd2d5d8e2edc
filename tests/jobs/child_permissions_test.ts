import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { trainingCommand } from "../../jobs/launch.ts";
import { executable } from "../commands/run_main.ts";
import { reasonNotToWrite, writingTest } from "../model/temporary_folder.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));
const main = new URL("../fixtures/intruder.ts", import.meta.url);

writingTest("a job's process may read its run and the program, write its run, and nothing else", async (runs) => {
  const run = join(runs, "mine");
  await Deno.mkdir(run);
  await Deno.writeTextFile(join(run, "config.json"), "{}");
  const { args, env, line } = trainingCommand({ engine: "wasm", out: run }, { main });
  const piped = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(executable!, { args: [...args, root], env, ...piped }).spawn();
  await new Blob([line]).stream().pipeTo(child.stdin);
  const { stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout);
  const outcomes = text === "" ? new TextDecoder().decode(stderr) : JSON.parse(text);
  assertEquals(outcomes, {
    "read its run": "done",
    "write its run": "done",
    "read the program": "done",
    "read main.ts": "denied",
    "read a model": "denied",
    "read other runs": "denied",
    "read what is outside": "denied",
    "write beside its run": "denied",
    "write the program": "denied",
    "remove the program": "denied",
    "link to what is outside": "denied",
    "use the network": "denied",
    "listen": "denied",
    "run a program": "denied",
    "start itself": "denied",
    "load a library": "denied",
    "read the database's address": "denied",
    "read the keys": "denied",
  });
}, reasonNotToWrite || (executable ? "" : "needs --allow-run=deno"));
