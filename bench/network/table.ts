import { median } from "../median.ts";
import { label, type Result } from "./measure.ts";
import { PEERS, type Purpose } from "./programs.ts";

/** What was found of a contender's process beside its times. */
export interface ProcessFound {
  readonly contender: string;
  readonly purpose: Purpose;
  readonly secondsToReady: number;
  /** At the end, behind the largest operation; `null` if it ended before. */
  readonly residentBytes: number | null;
  /** Largest difference of its ε from the first contender's; `null` where it was not asked. */
  readonly difference: number | null;
}

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

const cell = <T>(value: T | null | undefined, text: (value: T) => string) =>
  value === null || value === undefined ? "–" : text(value);

/** The results in Markdown: medians, and in brackets how many times as fast as the faster of the peers. */
export const table = (results: readonly Result[], processes: readonly ProcessFound[]): string => {
  const operations = [...new Set(results.map(label))];
  const names = [...new Set(processes.map(({ contender }) => contender))];
  const medianOf = (name: string, operation: string) => {
    const found = results.find((result) => result.contender === name && label(result) === operation);
    return found && 1000 * median(found.seconds);
  };
  const speed = (name: string, operation: string) =>
    cell(medianOf(name, operation), (own) => {
      const peers = PEERS.map((peer) => medianOf(peer, operation)).filter((time) => time !== undefined);
      const time = `${own.toFixed(0)} ms`;
      return peers.length === 0 ? time : `${time} (${(Math.min(...peers) / own).toFixed(2)}×)`;
    });
  const purposes = (["step", "train"] as const).filter((one) => processes.some(({ purpose }) => purpose === one));
  const found = (name: string, purpose: Purpose) =>
    processes.find((process) => process.contender === name && process.purpose === purpose);
  const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

  const columns = [
    ...operations,
    ...purposes.map((purpose) => purpose === "step" ? "start to first step" : "start to first training step"),
    ...purposes.map((purpose) => purpose === "step" ? "memory, sampling" : "memory, training"),
    ...(purposes.includes("step") ? ["ε differs by"] : []),
  ];
  return [
    row(["", ...columns]),
    row(["---", ...columns.map(() => "---:")]),
    ...names.map((name) =>
      row([
        name,
        ...operations.map((operation) => speed(name, operation)),
        ...purposes.map((purpose) => cell(found(name, purpose)?.secondsToReady, (s) => `${s.toFixed(1)} s`)),
        ...purposes.map((purpose) => cell(found(name, purpose)?.residentBytes, gibibytes)),
        ...(purposes.includes("step")
          ? [cell(found(name, "step")?.difference, (d) => d === 0 ? "0" : d.toExponential(0))]
          : []),
      ])
    ),
  ].join("\n");
};
