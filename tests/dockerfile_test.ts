import { assertEquals, assertMatch } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { freePort } from "./free_port.ts";

/**
 * Runs the Dockerfile's steps on this machine, where no container engine is needed: the files that COPY would take, in
 * a folder of their own, each `deno` step there, then the command, asked over HTTP and stopped as a container is.
 */
const root = fromFileUrl(new URL("../", import.meta.url));
const deno = Deno.execPath();

const granted = async (descriptor: Deno.PermissionDescriptor) =>
  (await Deno.permissions.query(descriptor)).state === "granted";

const missing = [
  ...(await granted({ name: "run", command: deno }) ? [] : ["--allow-run"]),
  ...(await granted({ name: "write", path: join(root, "runs") }) ? [] : ["--allow-write=runs"]),
  ...(await granted({ name: "net", host: "127.0.0.1" }) ? [] : ["--allow-net=127.0.0.1"]),
].join(" ");

interface Instruction {
  name: string;
  rest: string;
}

const parseDockerfile = (text: string): Instruction[] =>
  text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#")).map((line) => {
    const [, name, rest] = /^(\w+)\s+(.*)$/.exec(line)!;
    return { name, rest };
  });

/** Copies a file or folder, leaving out what .dockerignore names at the top. */
const copy = async (from: string, to: string, ignored: ReadonlySet<string>): Promise<void> => {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) return void await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    if (!ignored.has(name)) await copy(join(from, name), join(to, name), new Set());
  }
};

const run = async (command: string, cwd: string): Promise<void> => {
  const [program, ...args] = command.split(" ");
  if (program !== "deno") return;
  const { success, stderr } = await new Deno.Command(deno, { args, cwd, stdin: "null" }).output();
  assertEquals(success, true, `${command}: ${new TextDecoder().decode(stderr)}`);
};

Deno.test({
  name: `Dockerfile: its steps give a server that answers and stops at SIGTERM${missing && ` (needs ${missing})`}`,
  ignore: missing !== "",
  fn: async () => {
    const instructions = parseDockerfile(await Deno.readTextFile(join(root, "Dockerfile")));
    const ignored = new Set((await Deno.readTextFile(join(root, ".dockerignore"))).trim().split("\n"));
    await Deno.mkdir(join(root, "runs"), { recursive: true });
    const app = await Deno.makeTempDir({ dir: join(root, "runs"), prefix: "test-image-" });
    try {
      assertMatch(instructions[0].rest, new RegExp(`^denoland/deno:${Deno.version.deno}$`));
      const port = freePort();
      for (const { name, rest } of instructions) {
        const words = rest.split(" ");
        if (name === "COPY") {
          const target = words.pop()!;
          for (const source of words) {
            const to = words.length > 1 ? join(app, target, source) : join(app, target);
            await Deno.mkdir(dirname(to), { recursive: true });
            await copy(join(root, source), to, ignored);
          }
        }
        if (name === "RUN" && words[0] === "mkdir") await Deno.mkdir(join(app, words.at(-1)!), { recursive: true });
        if (name === "RUN") await run(rest, app);
        if (name === "CMD") {
          const [program, ...args] = JSON.parse(rest) as string[];
          assertEquals(program, "deno");
          // This machine's address and executable stand in for the container's.
          const here = args.map((arg) => arg.replace("/usr/bin/deno", deno).replace("0.0.0.0", "127.0.0.1"));
          const child = new Deno.Command(deno, {
            args: [...here, "--port", String(port)],
            cwd: app,
            stdin: "null",
            stdout: "piped",
            stderr: "inherit",
          }).spawn();
          const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
          const { value } = await reader.read();
          assertMatch(value ?? "", /serves/);
          const health = await fetch(`http://127.0.0.1:${port}/health`);
          assertEquals(health.status, 200);
          await health.body?.cancel();
          const image = await fetch(`http://127.0.0.1:${port}/generate?steps=2&seed=1`);
          assertEquals(image.headers.get("content-type"), "image/png");
          assertEquals([...new Uint8Array(await image.arrayBuffer()).subarray(1, 4)], [0x50, 0x4e, 0x47]);
          child.kill("SIGTERM");
          while (!(await reader.read()).done);
          assertEquals((await child.status).code, 0);
        }
      }
    } finally {
      await Deno.remove(app, { recursive: true });
    }
  },
});
