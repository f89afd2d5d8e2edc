import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

const model = "tests/fixtures/tiny-model";
const main = fromFileUrl(new URL("../../main.ts", import.meta.url));

const spawn = (...args: string[]) =>
  new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-read=.",
      "--allow-net=127.0.0.1",
      "--allow-env=XDG_RUNTIME_DIR",
      main,
      "serve",
      ...args,
    ],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();

const fails = async (...args: string[]) => {
  const { code, stdout, stderr } = await spawn(...args).output();
  assertEquals(new TextDecoder().decode(stdout), "");
  return { code, lines: new TextDecoder().decode(stderr).trim().split("\n") };
};

Deno.test("serve: says where, what and on which engine; draws; ends with 0 at SIGTERM", async () => {
  const server = spawn("--model", model, "--port", "0");
  const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("curl")) {
    const { value, done } = await output.read();
    if (done) throw new Error(`it ended, having said: ${text}${await new Response(server.stderr).text()}`);
    text += value;
  }
  assertMatch(text, /^http:\/\/127\.0\.0\.1:\d+ serves tests\/fixtures\/tiny-model \(8×8, 3 classes, T = 100\)\n/);
  assertMatch(text, /\nengine wasm \S+: .*; warm in \d+\.\d s\n/);
  const url = /curl -o a.png "(\S+)"/.exec(text)![1];
  const image = await fetch(url);
  assertEquals([image.status, image.headers.get("content-type")], [200, "image/png"]);
  await image.body!.cancel();

  server.kill("SIGTERM");
  assertEquals((await server.status).code, 0);
  await output.cancel();
  await server.stderr.cancel();
});

Deno.test("serve: a missing model, a damaged one and a port in use each exit 2 with one clear line", async () => {
  const missing = await fails("--model", "models/nowhere");
  assertEquals([missing.code, missing.lines.length], [2, 1]);
  assertStringIncludes(missing.lines[0], "error: Cannot read models/nowhere/unet/config.json");

  const folder = `runs/test-damaged-${crypto.randomUUID()}`;
  const files = ["unet/config.json", "scheduler/scheduler_config.json", "unet/diffusion_pytorch_model.safetensors"];
  try {
    for (const name of ["unet", "scheduler"]) await Deno.mkdir(`${folder}/${name}`, { recursive: true });
    for (const file of files) {
      const bytes = await Deno.readFile(`${model}/${file}`);
      await Deno.writeFile(`${folder}/${file}`, bytes.subarray(0, file.endsWith(".json") ? bytes.length : 50_000));
    }
    const damaged = await fails("--model", folder);
    assertEquals([damaged.code, damaged.lines.length], [2, 1]);
    assertStringIncludes(damaged.lines[0], `error: Cannot read ${folder}/${files[2]}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }

  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = await fails("--model", model, "--port", String(other.addr.port));
  assertEquals(taken, {
    code: 2,
    lines: [`error: port ${other.addr.port} of 127.0.0.1 is in use by another program; --port picks another`],
  });
});
