import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import type { Command, OptionSchema } from "../../commands/cli/command.ts";
import { parse } from "../../commands/cli/options.ts";
import { classifierCommand } from "../../commands/classifier.ts";
import { dataCommand } from "../../commands/data.ts";
import { evaluateCommand } from "../../commands/evaluate.ts";
import { exportCommand } from "../../commands/export.ts";
import {
  chainCommand,
  forwardCommand,
  galleryCommand,
  interpolateCommand,
  networkCommand,
  pathsCommand,
  reverseCommand,
} from "../../commands/figure.ts";
import { pullCommand } from "../../commands/pull.ts";
import { sampleCommand } from "../../commands/sample.ts";
import { serveCommand } from "../../commands/serve.ts";
import { trainCommand } from "../../commands/train.ts";
import { ended, executable, missing, startWith, testCommandLine } from "./run_main.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));

/** What `deno task sample` is granted, in a project that is `folder`/project; the program's packages are elsewhere. */
const PERMISSIONS = [
  `--allow-read=.,${join(root, "node_modules")}`,
  "--allow-write=runs",
  "--allow-env=XDG_RUNTIME_DIR",
];

const commandLine = (...args: string[]) => ["run", "--quiet", ...PERMISSIONS, join(root, "main.ts"), ...args];

/** Lays out a project, and beside it a model and a place for what is drawn. */
const layOut = async (folder: string) => {
  const [project, model] = [join(folder, "project"), join(folder, "model")];
  await Deno.mkdir(project);
  for (const name of ["unet", "scheduler"]) {
    await Deno.mkdir(join(model, name), { recursive: true });
    const from = join(root, "tests/fixtures/tiny-model", name);
    for (const file of Deno.readDirSync(from)) await Deno.copyFile(join(from, file.name), join(model, name, file.name));
  }
  return { project, model };
};

const namesIn = (folder: string): string[] => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

const FEW = ["--engine", "wasm", "-n", "1", "--steps", "2"];

testCommandLine(
  "a path outside exits 2 without a terminal, with one line that names the permission",
  async (folder) => {
    const { project, model } = await layOut(folder);
    const run = (...args: string[]) =>
      ended(
        new Deno.Command(executable!, {
          args: commandLine(...args),
          cwd: project,
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn(),
      );
    const fails = async (flags: string[], ...args: string[]) => {
      const { code, stdout, stderr } = await run(...args);
      assertEquals([code, stdout, stderr.trimEnd().split("\n").length], [2, "", 1], stderr);
      assertStringIncludes(stderr, ` ${flags.join(" ")} main.ts ${args[0]}`);
    };
    const [read, out] = [`--allow-read=${model}`, join(folder, "out")];
    await fails([read, `--allow-write=${out}.png`], "sample", "--model", model, "--out", "../out.png");
    await fails(
      [`--allow-read=${folder}/a.png`, `--allow-write=${out}.svg`, `--allow-write=${out}.png`],
      ...["figure", "forward", "--image", "../a.png", "--out", "../out"],
    );
    const { stderr } = await run("sample", "--model", "../model");
    assertStringIncludes(
      stderr,
      "run deno run -q -P=engine --allow-read=. --allow-write=runs --allow-read=",
    );
    assertEquals([namesIn(folder), namesIn(project)], [["model", "project"], []]);
  },
);

Deno.test("every command names the paths of its options, by whether they are read or written", () => {
  const pathsOf = <S extends OptionSchema>(command: Command<S>, ...args: string[]) =>
    command.paths!(parse(args, command.options, command));
  const none = undefined;
  assertEquals(pathsOf(sampleCommand, "--latents", "x.npy", "-o", "a.npy"), {
    read: { model: "models/digits", latents: "x.npy" },
    write: { out: "a.npy" },
  });
  assertEquals(pathsOf(trainCommand, "--data", "a", "--init", "b", "--out", "c"), {
    read: { data: "a", init: "b", out: "c", resume: none },
    write: { out: "c", resume: none },
  });
  assertEquals(pathsOf(trainCommand, "--resume", "c").write, { out: none, resume: "c" });
  assertEquals(pathsOf(evaluateCommand, "--metric", "fid", "--samples", "a", "--features", "b", "--out", "c"), {
    read: {
      model: "models/digits",
      data: "mnist-test",
      samples: "a",
      heldOut: none,
      features: "b",
      cache: none,
      out: "c",
    },
    write: { cache: none, out: "c" },
  });
  assertEquals(pathsOf(classifierCommand, "--data", "a", "--test", "b", "--out", "c"), {
    read: { data: "a", test: "b", out: "c" },
    write: { out: "c" },
  });
  assertEquals(pathsOf(exportCommand, "a", "b"), { read: { model: "a", out: "b" }, write: { out: "b" } });
  assertEquals(pathsOf(pullCommand, "me/mine", "--token-file", "a", "--out", "b"), {
    read: { tokenFile: "a", out: "b" },
    write: { out: "b" },
  });
  assertEquals(pathsOf(interpolateCommand, "--image", "a,b", "--out", "c").read, {
    model: "models/digits",
    image: ["a", "b"],
    data: none,
  });
  const figures = [chainCommand, forwardCommand, galleryCommand, interpolateCommand, reverseCommand];
  for (const command of [...figures, networkCommand, pathsCommand]) {
    assertEquals(pathsOf(command as Command, "--out", "c").write, { out: ["c.svg", "c.png"] });
    assertEquals(pathsOf(command as Command, "--out", "c.PNG").write, { out: ["c.PNG"] });
  }
  assertEquals(pathsOf(dataCommand, "a"), { read: { what: "a", from: none } });
  assertEquals(pathsOf(serveCommand, "-m", "a"), { read: { model: ["a"] } });
});

testCommandLine("the name of a data set is no path: nobody has to be asked for it", async () => {
  const program = ["node_modules", "core", "datasets", "files", "formats"];
  const permissions = [`--allow-read=${program}`, "--allow-env=XDG_RUNTIME_DIR"];
  const { code, stdout, stderr } = await ended(startWith(permissions, "data", "mnist-test"));
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, '"images":10000');
});

const hasScript = (await Deno.permissions.query({ name: "run", command: "script" })).state === "granted";

/** Runs `main.ts` on a terminal and types an answer to each of Deno's questions. */
const answer = async (project: string, letter: "y" | "n", ...args: string[]) => {
  const line = [executable!, ...commandLine(...args)].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--flush", "--command", line, "/dev/null"],
    cwd: project,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  let text = "";
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  // Deno throws away what is typed before it listens, which is a little after the question shows.
  const typing = setInterval(() => {
    if (count(/Allow\?/g) > count(/(Granted|Denied) \w+ access/g)) {
      input.write(new TextEncoder().encode(`${letter}\n`)).catch(() => {});
    }
  }, 300);
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) text += part;
  clearInterval(typing);
  await input.close().catch(() => {});
  const questions = [...text.matchAll(/(?:Granted|Denied) (\w+) access to "([^"]*)"/g)].map((
    [, name, path],
  ) => [name, path]);
  return { code: (await child.status).code, text, questions };
};

testCommandLine(
  "on a terminal, Deno asks for exactly the paths that are outside; yes draws, no exits 2",
  async (folder) => {
    const { project, model } = await layOut(folder);
    const out = join(folder, "out.png");
    const asked = [["read", model], ["write", out]];
    const refused = await answer(project, "n", "sample", "--model", model, "--out", out, ...FEW);
    assertEquals([refused.code, refused.questions], [2, asked], refused.text);
    assertEquals(namesIn(folder), ["model", "project"]);
    const agreed = await answer(project, "y", "sample", "--model", model, "--out", out, ...FEW);
    assertEquals([agreed.code, agreed.questions], [0, asked], agreed.text);
    assert(Deno.readFileSync(out).length > 50);
    assertEquals([namesIn(folder), namesIn(project)], [["model", "out.png", "project"], ["runs"]]);
    const inside = await answer(project, "y", "sample", "--model", model, "--out", "runs/in.png", ...FEW);
    assertEquals([inside.code, inside.questions], [0, [["read", model]]], inside.text);
    assertEquals(namesIn(join(project, "runs")), ["in.png"]);
  },
  missing || (hasScript ? "" : "needs --allow-run=script"),
);
