import { launchTraining } from "../../../jobs/launch.ts";

const main = new URL("../../fixtures/leased_trainer.ts", import.meta.url);
const fixtures = new URL("../../fixtures", import.meta.url).pathname;

/** Launches the stand-in for training that keeps its lease. */
export const launchLeased: typeof launchTraining = (options, settings) =>
  launchTraining(options, { ...settings, main, read: [fixtures] });

/** A line of its `record.jsonl`. */
export interface RecordLine {
  readonly pid: number;
  readonly at: number;
  readonly what: "begin" | "step" | "checkpoint" | "end";
  readonly step: number;
}

/** What the processes of a run wrote, in the order in which they did. */
export const readRecord = async <Line = RecordLine>(run: string): Promise<Line[]> =>
  (await Deno.readTextFile(`${run}/record.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));

/** Whether the processes of a run wrote one after the other: who has been followed never wrote again. */
export const isOneAtATime = (record: readonly { readonly pid: number; readonly what: string }[]): boolean => {
  const seen = new Set<number>();
  let last: number | null = null;
  for (const { pid, what } of record) {
    if (pid !== last && (seen.has(pid) || what !== "begin")) return false;
    seen.add(last = pid);
  }
  return true;
};
