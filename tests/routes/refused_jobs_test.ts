import { assert, assertEquals } from "@std/assert";
import { basename, join } from "@std/path";
import { type Jobs, JobsUnavailableError } from "../../jobs/jobs.ts";
import { createLog } from "../../routes/http/log.ts";
import { remoteTrainOptions } from "../../training/recipe.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { scriptedJobs } from "./scripted_jobs.ts";
import { asJson, withServer } from "./with_server.ts";

/** What is meant for a shell, for another flag, for a path that leads out, or for a parser. */
const HOSTILE = [
  "../../etc",
  "..",
  "/etc/passwd",
  "a/../../b",
  "a;rm -rf .",
  "$(id)",
  "`id`",
  "--out=/x",
  "-x",
  "a\0b",
  "a\nb",
  "a b",
  "ａｂ",
  "a\u202Eb",
  "😀",
  "..\\..\\x",
  "C:\\x",
  "file:///etc/passwd",
  "http://localhost/x",
  "%2e%2e%2f",
  "a".repeat(10_000),
  "",
];

Deno.test("POST /jobs: no option becomes a path, a flag or a word of a shell: hostile values are 422 that names the field", async () => {
  const { jobs, started } = scriptedJobs();
  await withServer(async ({ origin }) => {
    const post = async (body: unknown) => {
      const response = await fetch(`${origin}/jobs`, asJson(body));
      return { status: response.status, problem: await response.json() };
    };
    for (const value of HOSTILE) {
      const at = JSON.stringify(value.slice(0, 50));
      for (const field of ["name", "data", "init", "engine", "preset", "schedule", "steps", "seed", "ema", "flip"]) {
        const { status, problem } = await post({ [field]: value });
        assertEquals(status, 422, `${field} ${at}`);
        assert(problem.errors.some((error: { field: string }) => error.field.startsWith(field)), `${field} ${at}`);
      }
      const unknown = value === "" ? "x" : value;
      const { status, problem } = await post({ [unknown]: 1 });
      assertEquals([status, problem.errors.length], [422, 1], at);
    }
    for (const field of ["out", "resume", "tensorflow", "xla", "stopAtEof", "lease", "__proto__", "constructor"]) {
      const { status, problem } = await post(JSON.parse(`{"${field}": "x"}`));
      assertEquals([status, problem.errors?.[0].field], [422, field]);
    }
    for (const field of ["data", "init"]) {
      const { status, problem } = await post({ [field]: "not-there" });
      assertEquals([status, problem.errors[0].field], [422, field]);
    }
    for (const id of HOSTILE.filter((value) => !["", ".."].includes(value))) {
      for (const path of ["", "/events", "/logs", "/samples", "/metrics", "/samples/step-1.png"]) {
        const response = await fetch(`${origin}/jobs/${encodeURIComponent(id)}${path}`);
        await response.body!.cancel();
        assertEquals(response.status, 404, `${id} ${path}`);
      }
    }
    assertEquals([await jobs.list(), started], [[], []]);
  }, { jobs, trainingOptions: remoteTrainOptions });
});

writingTest(
  "POST /models: no name leads out of runs/ and models/, and no link does; nothing is loaded",
  async (folder) => {
    const { jobs } = scriptedJobs();
    const ln = async (target: string, link: string) => {
      const { code } = await new Deno.Command("ln", { args: ["-s", await Deno.realPath(target), link] }).output();
      assertEquals(code, 0);
    };
    const run = `runs/${basename(folder)}`;
    await Deno.mkdir(join(folder, "checkpoints", "step-2"), { recursive: true });
    await ln("tests/fixtures/tiny-model", join(folder, "checkpoints", "step-1"));
    for (const name of ["unet", "scheduler", "denoise.json"]) {
      await ln(`tests/fixtures/tiny-model/${name}`, join(folder, "checkpoints", "step-2", name));
    }
    await withServer(async ({ origin }) => {
      const post = async (body: unknown) => {
        const response = await fetch(`${origin}/models`, asJson(body));
        return { status: response.status, problem: await response.json() };
      };
      const paths = HOSTILE.flatMap((
        value,
      ) => [value, `models/${value}`, `runs/${value}`, `${run}/checkpoints/${value}`]);
      const others = [
        "models",
        "runs",
        "runs/",
        `${run}/`,
        `${run}/checkpoints`,
        "models/digits/unet",
        "./models/digits",
        "data/x",
      ];
      for (
        const checkpoint of [...paths, ...others, "models/not-there", "runs/not-there", `${run}/checkpoints/step-9`]
      ) {
        const { status, problem } = await post({ checkpoint });
        const at = JSON.stringify(checkpoint.slice(0, 80));
        assertEquals([status, problem.errors[0].field], [422, "checkpoint"], at);
      }
      for (const linked of ["step-1", "step-2"]) {
        const { status, problem } = await post({ checkpoint: `${run}/checkpoints/${linked}` });
        assertEquals(status, 422, linked);
        assert(!problem.detail.includes("/fixtures/"), problem.detail);
      }
      for (const value of HOSTILE) {
        assertEquals((await post({ checkpoint: "models/digits", name: value })).problem.errors[0].field, "name");
        assertEquals((await post({ job: value })).problem.errors[0].field, "job");
      }
      for (const body of [{}, { job: "a", checkpoint: "models/digits" }, { checkpoint: "models/digits", ema: 0.5 }]) {
        assertEquals((await post(body)).status, 422);
      }
      assertEquals((await post({ job: "nobody" })).status, 404);
      const models = await (await fetch(`${origin}/models`)).json();
      assertEquals(models.map(({ name }: { name: string }) => name), ["tiny-model"]);
    }, { jobs });
  },
);

Deno.test("where jobs cannot be had, their routes are 503 with a time to come again, and images are drawn", async () => {
  const refuse = () => Promise.reject(new JobsUnavailableError("runs/.queue is another server's"));
  // deno-lint-ignore require-yield
  const nothing = async function* () {
    await refuse();
  };
  const jobs: Jobs = {
    add: refuse,
    get: refuse,
    list: refuse,
    cancel: refuse,
    resume: refuse,
    events: nothing,
    logs: nothing,
    close: () => Promise.resolve(),
  };
  const failures: string[] = [];
  await withServer(async ({ origin }) => {
    const paths: [path: string, init?: RequestInit][] = [
      ["/jobs"],
      ["/jobs", asJson({})],
      ["/jobs/a"],
      ["/jobs/a/cancel", { method: "POST" }],
      ["/jobs/a/events"],
      ["/jobs/a/logs"],
      ["/jobs/a/samples"],
      ["/jobs/a/samples/step-1.png"],
      ["/jobs/a/metrics"],
      ["/jobs/a/resume", { method: "POST" }],
      ["/models", asJson({ job: "a" })],
    ];
    for (const [path, init] of paths) {
      const response = await fetch(`${origin}${path}`, init);
      const problem = await response.json();
      assertEquals([response.status, response.headers.get("retry-after")], [503, "5"], path);
      assertEquals(problem.detail, "runs/.queue is another server's");
    }
    for (const path of ["/generate?steps=2", "/models", "/health", "/ready"]) {
      const response = await fetch(`${origin}${path}`);
      await response.body!.cancel();
      assertEquals(response.status, 200, path);
    }
    assertEquals(failures, []);
  }, { jobs, log: createLog("error", (line) => failures.push(line)) });
});
