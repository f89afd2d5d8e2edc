import { assert, assertEquals } from "@std/assert";

const read = async (name: string) => JSON.parse(await Deno.readTextFile(new URL(`../${name}`, import.meta.url)));

Deno.test("deno.json lets no package run a script at its installation, and names each that has one", async () => {
  const { allowScripts: { allow, deny }, lock } = await read("deno.json");
  const packages: Record<string, { scripts?: boolean }> = (await read("deno.lock")).npm;
  const withScripts = Object.entries(packages).filter(([, { scripts }]) => scripts)
    .map(([specifier]) => `npm:${specifier.replace(/(.)@.*$/, "$1")}`);
  assertEquals(allow, []);
  assertEquals([...deny].sort(), withScripts.sort());
  assertEquals(lock, { path: "./deno.lock", frozen: true });
});

Deno.test("deno.json: no two tasks of the program repeat a list of permissions that is long", async () => {
  const { tasks } = await read("deno.json");
  const flags = Object.entries(tasks as Record<string, { command: string }>)
    .filter(([name]) => !name.startsWith("test"))
    .flatMap(([, { command }]) => command.match(/--allow-env=\S+/g) ?? [])
    .filter((flag) => !flag.startsWith("--allow-env=DATABASE_URL,AWS_*") && flag !== "--allow-env=PATH");
  assertEquals(flags, []);
  assert(Object.keys(tasks).includes("test-quick"));
});

Deno.test("deno.json: a task installs what its command imports, and the other tasks everything", async () => {
  const { nodeModulesDir, tasks } = await read("deno.json");
  assertEquals(nodeModulesDir, "manual");
  for (const [name, { command }] of Object.entries(tasks as Record<string, { command: string }>)) {
    const [install] = command.split(" && ");
    const program = new RegExp(` main\\.ts ${name}$`).test(command);
    assertEquals(install.startsWith(`deno install${program ? ` --entrypoint commands/${name}/` : ""}`), true, name);
  }
});
