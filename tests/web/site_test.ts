import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

const root = fromFileUrl(new URL("../../", import.meta.url));
const read = (path: string) => Deno.readTextFile(`${root}${path}`);

/** Runs the builder with the permissions of the task. */
const build = async (...args: string[]) => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--allow-read=.", "--allow-write=web/dist,runs", `--allow-run=${Deno.execPath()}`],
      ...["web/build.ts", ...args],
    ],
    cwd: root,
    stderr: "piped",
  }).output();
  return { code, text: new TextDecoder().decode(stderr) };
};

Deno.test("page --static refuses what it cannot build with one line and its usage: exit code 2", async () => {
  const cases = {
    "--static must be a new or an empty folder, received docs": ["--static", "docs"],
    "--model is for --static": ["--model", "models/digits"],
    "no argument stands alone, received models/digits": ["--static", "runs/none", "models/digits"],
    "Unknown option '--statik'": ["--statik", "runs/none"],
  };
  for (const [message, args] of Object.entries(cases)) {
    const { code, text } = await build(...args);
    assertEquals(code, 2, text);
    assertStringIncludes(text, message);
    assertStringIncludes(text, "deno task page [--static OUT --model DIR … --float16]");
  }
});

Deno.test("page --static refuses models that cannot be read, or have one name, before it builds anything", async () => {
  const folder = "runs/site-of-no-model";
  for (const models of [["models/none"], ["models/digits", "models/digits"]]) {
    const { code, text } = await build("--static", folder, ...models.flatMap((model) => ["--model", model]));
    assertEquals(code, 2, text);
    assertMatch(text, /models\/none|different names, received digits twice/);
    assert(!await Deno.stat(`${root}${folder}`).then(() => true, () => false));
  }
});

Deno.test("the workflow of GitHub Pages: pinned actions, narrow permissions, and the task that builds the site", async () => {
  const workflow = await read(".github/workflows/pages.yml");
  const actions = Array.from(workflow.matchAll(/uses: (\S+)/g), ([, action]) => action);
  assert(actions.length >= 3);
  for (const action of actions) assertMatch(action, /^actions\/[\w-]+@[\da-f]{40}$/);
  const commands = Array.from(workflow.matchAll(/run: (.+)/g), ([, command]) => command);
  assertEquals(commands, [
    "npx -y deno@2.9.6 task page --static runs/site --model models/digits --model models/emoji",
  ]);
  const granted = Array.from(
    workflow.matchAll(/^ +([\w-]+): (read|write)$/gm),
    ([, name, level]) => `${name} ${level}`,
  );
  assertEquals(granted, ["contents read", "pages write", "id-token write"]);
});
