import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { basename, join } from "@std/path";
import { type Jobs, JobsUnavailableError } from "../../jobs/jobs.ts";
import { createLog } from "../../routes/http/log.ts";
import type { ServerOptions } from "../../routes/server.ts";
import { checkNeeds } from "../../training/needs.ts";
import { remoteTrainOptions } from "../../training/recipe.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { scriptedJobs } from "./scripted_jobs.ts";
import { asJson, until, withServer } from "./with_server.ts";

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
    for (const text of ["a\\u0000b", "\\ud800", "a\\udc00"]) {
      const response = await fetch(`${origin}/jobs`, { ...asJson({}), body: `{"classes": ["0", "${text}"]}` });
      const { errors: [{ field, allowed }] } = await response.json();
      assertEquals([response.status, field], [422, "classes.1"], text);
      assertEquals(allowed, "text without NUL, and of whole characters (no surrogate alone)");
    }
    for (
      const field of [
        "out",
        "resume",
        "tensorflow",
        "xla",
        "stopAtEof",
        "lease",
        "optionsFromStdin",
        "__proto__",
        "constructor",
      ]
    ) {
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

Deno.test("POST /jobs and resume: what would take more than a job may is 422 that says how much, and is not queued", async () => {
  const { jobs, started } = scriptedJobs();
  const limits = { memory: 8e9, disk: 10e9 };
  const checkJob: ServerOptions["checkNeeds"] = (recipe, given) => checkNeeds(recipe, limits, { given });
  await withServer(async ({ origin }) => {
    const post = async (path: string, body: unknown) => {
      const response = await fetch(`${origin}${path}`, asJson(body));
      return { status: response.status, answer: await response.json() };
    };
    const refused: [options: Record<string, unknown>, field: string, says: string][] = [
      [{ size: 4096 }, "size", "at most 10.0 GB of disk, not about 1.01 TB"],
      [{ batch: 65_536 }, "batch", "at most 8.00 GB of memory, not about "],
      [{ init: "digits", batch: 65_536 }, "batch", "at most 8.00 GB of memory, not about "],
      [{ steps: 100_000_000 }, "steps", "at most 10.0 GB of disk, not about "],
      [{ classes: ["0,1"] }, "classes", "of mnist's "],
    ];
    for (const [options, field, says] of refused) {
      const { status, answer } = await post("/jobs", { engine: "wasm", ...options });
      assertEquals([status, answer.errors[0].field], [422, field]);
      assertStringIncludes(answer.detail, says);
    }
    assertEquals([await jobs.list(), started], [[], []]);

    assertEquals((await post("/jobs", { name: "mine", classes: ["1", "0"] })).status, 202);
    started[0].end();
    await until(() => jobs.get("mine"), (job) => job?.endedAt !== null);
    const { status, answer } = await post("/jobs/mine/resume", { steps: 100_000_000 });
    assertEquals([status, answer.errors[0].field, started.length], [422, "steps", 1]);
    assertEquals((await post("/jobs/mine/resume", { steps: 10_000 })).status, 202);
  }, { jobs, trainingOptions: remoteTrainOptions, checkNeeds: checkJob });
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
