import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { parseKeys } from "../../routes/http/keys.ts";
import { remoteTrainOptions } from "../../training/recipe.ts";
import { DENO_RUN } from "../deno_run.ts";
import { whyNoPython } from "../model/python.ts";
import { reasonNotToWrite, writingTest } from "../model/temporary_folder.ts";
import { gradient, rightHalf } from "./pictures.ts";
import { scriptedJobs } from "./scripted_jobs.ts";
import { bytesOf, withServer } from "./with_server.ts";

const KEY = "client";
const root = fromFileUrl(new URL("../../", import.meta.url));
const fixture = (name: string): string => join(root, "tests/fixtures/routes", name);

const run = await Deno.permissions.query({ name: "run", command: Deno.execPath() });
const whyNoDeno = reasonNotToWrite || (run.state === "granted" ? "" : "needs --allow-run");

/** Runs a program, which must succeed; answers what it wrote. */
const runProgram = async (program: string, args: readonly string[], cwd = root): Promise<string> => {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd, stdin: "null" }).output();
  const [written, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert(success, `${program} ${args.join(" ")}\n${written}\n${errors}`);
  return written;
};

const runDeno = (...args: readonly string[]): Promise<string> => runProgram(Deno.execPath(), args);

/** Runs a program of a package: without network, and writing below a folder alone. */
const runTool = (folder: string, ...args: readonly string[]): Promise<string> =>
  runDeno(...DENO_RUN, "--allow-read", "--allow-env", "--allow-sys", `--allow-write=${folder}`, ...args);

/** Runs a test with the description that a server with keys, or one without, gives of itself, in the folder. */
const withDescription = (
  folder: string,
  test: (served: { origin: string; description: string }) => Promise<void>,
  { hasKeys = true }: { hasKeys?: boolean } = {},
): Promise<void> =>
  withServer(async ({ origin }) => {
    const description = join(folder, "openapi.json");
    await Deno.writeFile(description, await bytesOf(await fetch(`${origin}/openapi.json`), "application/json"));
    await Deno.writeFile(join(folder, "image.png"), gradient());
    await Deno.writeFile(join(folder, "mask.png"), rightHalf());
    await test({ origin, description });
  }, {
    keys: hasKeys ? parseKeys(`${KEY}:generate,jobs,metrics`) : [],
    jobs: scriptedJobs().jobs,
    trainingOptions: remoteTrainOptions,
  });

const drawnWithoutClient = async (origin: string, path: string, init: RequestInit = {}) =>
  await bytesOf(await fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${KEY}` }, ...init }), "image/png");

/** Compares what a client has drawn with what is answered to a request that is written by hand. */
const checkPictures = async (origin: string, folder: string): Promise<void> => {
  const form = new FormData();
  form.set("image", new Blob([gradient()]), "image.png");
  form.set("seed", "7");
  const forward = await drawnWithoutClient(origin, "/forward", { method: "POST", body: form });
  for (const [name, value] of Object.entries({ steps: "5", jumpSamples: "1" })) form.set(name, value);
  form.set("mask", new Blob([rightHalf()]), "mask.png");
  const expected = {
    "drawn.png": await drawnWithoutClient(origin, "/generate?n=4&steps=5&seed=7"),
    "forward.png": forward,
    "inpainted.png": await drawnWithoutClient(origin, "/inpaint", { method: "POST", body: form }),
  };
  for (const [name, png] of Object.entries(expected)) {
    assertEquals(await Deno.readFile(join(folder, name)), png, name);
  }
};

writingTest(
  "a Python client that is generated from the description draws, uploads, trains and reads problems",
  (folder) =>
    withDescription(folder, async ({ origin, description }) => {
      const config = join(folder, "client.json");
      const [, settings] = /echo '(.*)' > client.json/.exec(await Deno.readTextFile(join(root, "docs/api.md")))!;
      // Without ruff, which would tidy the code and need not be there.
      await Deno.writeTextFile(config, JSON.stringify({ ...JSON.parse(settings), post_hooks: [] }));
      await runProgram("python3", [
        ...["-m", "openapi_python_client", "generate", "--fail-on-warning", "--path", description],
        ...["--meta", "none", "--output-path", join(folder, "client"), "--config", config],
      ], folder);
      await Deno.copyFile(fixture("use_client.py"), join(folder, "use_client.py"));
      await runProgram("python3", ["use_client.py", origin, KEY, folder], folder);
      await checkPictures(origin, folder);
    }),
  whyNoDeno || await whyNoPython("openapi_python_client"),
);

writingTest(
  "a TypeScript client that is generated from the description does the same, and its types hold",
  (folder) =>
    withDescription(folder, async ({ origin, description }) => {
      const cli = join(root, "node_modules/openapi-typescript/bin/cli.js");
      await runTool(folder, cli, description, "--output", join(folder, "schema.d.ts"));
      const program = join(folder, "use_client.ts");
      await Deno.copyFile(fixture("use_client.ts.txt"), program);
      await runDeno("check", program);
      const host = new URL(origin).host;
      const permissions = [`--allow-net=${host}`, `--allow-read=${folder}`, `--allow-write=${folder}`];
      await runDeno(...DENO_RUN, ...permissions, program, origin, KEY, folder);
      await checkPictures(origin, folder);
    }),
  whyNoDeno,
);

const LINT = `import { createConfig, lint } from "@redocly/openapi-core";
const config = await createConfig({ extends: ["recommended"] });
const problems = await lint({ ref: Deno.args[0], config });
console.log(JSON.stringify(problems.map(({ severity, ruleId, message }) => ({ severity, ruleId, message }))));
`;

for (const hasKeys of [false, true]) {
  const whose = hasKeys ? "with keys" : "without keys";
  writingTest(
    `the description of a server ${whose}: Redocly finds neither an error nor anything to warn of`,
    (folder) =>
      withDescription(folder, async ({ description }) => {
        const program = join(folder, "lint.ts");
        await Deno.writeTextFile(program, LINT);
        assertEquals(JSON.parse(await runTool(folder, program, description)), []);
      }, { hasKeys }),
    whyNoDeno,
  );

  writingTest(
    `the description of a server ${whose} fits OpenAPI's own schema`,
    (folder) =>
      withDescription(folder, async ({ description }) => {
        await runProgram(
          "python3",
          ["-m", "openapi_spec_validator", "--validation-errors", "all", description],
          folder,
        );
      }, { hasKeys }),
    whyNoDeno || await whyNoPython("openapi_spec_validator"),
  );
}
