import { assert, assertEquals } from "@std/assert";
import { createReporter, duration, progressLine } from "../../../commands/cli/progress.ts";

const event = { event: "progress", step: 250, steps: 1000, loss: 0.04321, imagesPerSecond: 123.4, secondsLeft: 3725 };

Deno.test("duration reads as people read clocks", () => {
  assertEquals([0.4, 59, 60, 185, 3599.6, 36061].map(duration), ["0 s", "59 s", "1:00", "3:05", "1:00:00", "10:01:01"]);
});

Deno.test("progressLine shows the bar, steps, loss, rate and time left", () => {
  assertEquals(
    progressLine(event, 100),
    "██████░░░░░░░░░░░░░░░░░░ 25%  250/1000  loss 0.0432  123 images/s  1:02:05 left",
  );
});

Deno.test("progressLine counts bytes as amounts, with their rate", () => {
  const bytes = { event: "progress", unit: "bytes", step: 12_345_678, steps: 142_987_654 };
  assertEquals(
    progressLine({ ...bytes, bytesPerSecond: 5_500_000, secondsLeft: 23.7 }, 80),
    "██░░░░░░░░░░░░░░░░░░░░░░ 8%  12.3 MB of 143 MB  5.50 MB/s  24 s left",
  );
});

Deno.test("progressLine never exceeds the terminal: the bar shrinks, then facts fall off its end", () => {
  for (let columns = 0; columns <= 120; columns++) {
    assert(progressLine(event, columns).length <= columns, `${columns} columns`);
  }
  assertEquals(progressLine(event, 59), "█░░░ 25%  250/1000  loss 0.0432  123 images/s  1:02:05 left");
  assertEquals(progressLine(event, 30), "25%  250/1000  loss 0.0432");
});

const record = (options: Parameters<typeof createReporter>[0]) => {
  const written: string[] = [];
  let time = 0;
  const reporter = createReporter({
    ...options,
    write: (text) => written.push(text),
    now: () => time,
    columns: () => 80,
  });
  return {
    written,
    at: (milliseconds: number, step: number) => {
      time = milliseconds;
      reporter.report({ ...event, step });
    },
    reporter,
  };
};

Deno.test("a reporter off the terminal writes every event as a line of JSON", () => {
  const { written, at, reporter } = record({ terminal: false });
  at(0, 1);
  at(1, 2);
  reporter.report({ event: "done", run: "runs/x" });
  assertEquals(written.map((line) => JSON.parse(line).step), [1, 2, undefined]);
  assert(written.every((line) => line.endsWith("\n") && line.indexOf("\n") === line.length - 1));
});

Deno.test("a reporter off the terminal thins progress when asked to, but not the last step nor other events", () => {
  const { written, at, reporter } = record({ terminal: false, jsonMilliseconds: 1000 });
  for (let i = 0; i < 1000; i++) at(i * 10, i + 1);
  reporter.report({ event: "done" });
  const steps = written.map((line) => JSON.parse(line).step);
  assertEquals(steps, [1, 101, 201, 301, 401, 501, 601, 701, 801, 901, 1000, undefined]);
});

Deno.test("a reporter on a terminal redraws at most ten times a second, and always the last step", () => {
  const { written, at } = record({ terminal: true });
  for (let i = 0; i < 1000; i++) at(i, i + 1);
  assertEquals(written.length, 11);
  assert(written.every((text) => text.startsWith("\r\x1b[K") && !text.includes("\n")));
  assert(written.at(-1)!.includes("1000/1000"));
});

Deno.test("a reporter on a terminal writes other events above the live line, which it draws anew", () => {
  const { written, at, reporter } = record({ terminal: true });
  at(0, 500);
  reporter.report({ event: "checkpoint", step: 500, folder: "runs/x/checkpoints/step-500" });
  const [line, ...rest] = written;
  assertEquals(rest.join(""), `\r\x1b[KStep 500: wrote runs/x/checkpoints/step-500\n${line.replace("\r\x1b[K", "")}`);
});

Deno.test("a reporter on a terminal ends the live line when the work ends, and says how to go on", () => {
  const { written, at, reporter } = record({ terminal: true });
  at(0, 500);
  reporter.report({ event: "stopped", step: 500, resume: "deno task train --resume runs/x" });
  assertEquals(written.slice(1).join(""), "\nStopped at step 500. To go on: deno task train --resume runs/x\n");
});

Deno.test("createReporter counts the files that were skipped by their reasons", () => {
  const { written, reporter } = record({ terminal: true });
  const facts = { event: "prepared", data: "cats-64", folder: "data/.prepared/cats-64", images: 5, seconds: 3 };
  reporter.report({ ...facts, skipped: 0, skippedBy: {} });
  reporter.report({ ...facts, skipped: 13, skippedBy: { damaged: 1, "unsupported .avif": 12 } });
  assertEquals(written.filter((text) => text.startsWith("Prepared")), [
    "Prepared cats-64: 5 images in 3 s, in data/.prepared/cats-64\n",
    "Prepared cats-64: 5 images in 3 s, in data/.prepared/cats-64; 13 skipped (1 damaged, 12 unsupported .avif), " +
    "listed in data/.prepared/cats-64/skipped.txt\n",
  ]);
});
