import { assertEquals, assertGreater } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { launchTraining, TrainingExit } from "../../jobs/launch.ts";
import { parseKeys } from "../../routes/http/keys.ts";
import { createLog } from "../../routes/http/log.ts";
import { remoteTrainOptions } from "../../training/recipe.ts";
import { createMemoryJobs } from "../jobs/memory_jobs.ts";
import { whyNoPython } from "../model/python.ts";
import { reasonNotToWrite, writingTest } from "../model/temporary_folder.ts";
import { withServer } from "./with_server.ts";

const KEY = "fuzz";
const config = fromFileUrl(new URL("../fixtures/routes/schemathesis.toml", import.meta.url));

/** Training that says a little, and ends soon: streams of events end with it, and the queue is full now and then. */
const shortTraining: typeof launchTraining = (_options, { onEvent }) => {
  const { promise, resolve } = Promise.withResolvers<TrainingExit>();
  const end = () => {
    clearTimeout(timer);
    onEvent({ event: "stopped", step: 1, resume: "deno task train --resume RUN" });
    resolve({ code: 0, stderr: "a line\nanother", isKilled: false });
  };
  const timer = setTimeout(end, 30);
  onEvent({ event: "start", run: "runs/x", steps: 2 });
  onEvent({ event: "progress", step: 1, steps: 2, loss: 1, imagesPerSecond: null, secondsLeft: null });
  onEvent({ event: "sample", step: 1, file: "runs/x/samples/step-000001.png" });
  return { ended: promise, stop: end, kill: end, renew: () => {} };
};

const read = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? NaN);

writingTest("the API: schemathesis finds nothing that its description does not allow", async (folder) => {
  const failures: string[] = [];
  await withServer(async ({ origin }) => {
    const child = new Deno.Command("python3", {
      args: [
        ...["-m", "schemathesis.cli", "--config-file", config, "run", `${origin}/openapi.json`],
        ...["--header", `Authorization: Bearer ${KEY}`, "--request-timeout", "30"],
        ...["--seed", "2", "--max-examples", "30", "--generation-database", "none"],
        ...["--no-shrink", "--no-color", "--warnings", "off", "--continue-on-failure"],
      ],
      cwd: folder,
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await child.output();
    const [report, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    const selected = read(report, /Selected: (\d+)\//);
    assertEquals([code, failures], [0, []], `${report}\n${errors}`);
    assertEquals(read(report, /Tested: (\d+)/), selected, report);
    assertGreater(read(report, /(\d+) generated/), 1000, report);
  }, {
    keys: parseKeys(`${KEY}:generate,jobs,metrics`),
    jobs: createMemoryJobs({ launch: shortTraining }),
    trainingOptions: remoteTrainOptions,
    queue: 1e6,
    limits: { images: 2, steps: 8, seconds: 20, concurrent: 0, wrongKeys: Infinity, waitingJobs: 10 },
    log: createLog("error", (line) => failures.push(line)),
  });
}, reasonNotToWrite || await whyNoPython("schemathesis"));
