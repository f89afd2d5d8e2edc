/**
 * `main.ts train` that also writes into its run's `record.jsonl`, ten times a second, that it is there: who ran when, and
 * whether two ever ran at once, is seen from that.
 */
import { join } from "@std/path";
import { defineEntry } from "../../commands/cli/command.ts";
import { runCommand } from "../../commands/cli/run.ts";

const [, ...args] = Deno.args;
const run = args.map((arg) => /^--(?:out|resume)=(.*)$/.exec(arg)?.[1]).find((path) => path !== undefined)!;
const record = Deno.openSync(join(run, "record.jsonl"), { create: true, append: true });
const write = (what: string) =>
  record.writeSync(new TextEncoder().encode(`${JSON.stringify({ pid: Deno.pid, at: Date.now(), what })}\n`));

write("begin");
setInterval(() => write("alive"), 100);
globalThis.addEventListener("unload", () => write("end"));

const load = async () => (await import("../../commands/train.ts")).trainCommand;
const loadRunner = async () => (await import("../../commands/train/run.ts")).runTrain;
Deno.exit(await runCommand(defineEntry({ name: "train", summary: "", load, loadRunner }), args));
