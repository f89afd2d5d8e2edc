import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";

const model = "tests/fixtures/tiny-model";
const main = fromFileUrl(new URL("../../main.ts", import.meta.url));

const spawnWith = (
  { env = {}, variables = "DATABASE_URL,DENOISE_API_KEYS,XDG_RUNTIME_DIR" }: {
    env?: Record<string, string>;
    variables?: string;
  },
  ...args: string[]
) =>
  new Deno.Command(Deno.execPath(), {
    args: [
      ...DENO_RUN,
      "--allow-read=.",
      "--allow-net=127.0.0.1",
      `--allow-env=${variables}`,
      main,
      "serve",
      ...args,
    ],
    env: { NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();

const spawn = (...args: string[]) => spawnWith({}, ...args);

const outcome = async (child: Deno.ChildProcess) => {
  const { code, stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stdout), "");
  return { code, lines: new TextDecoder().decode(stderr).trim().split("\n") };
};

const fails = (...args: string[]) => outcome(spawn(...args));

/** Runs a test against a server, once it says that it is warm; gives what it said and logged. */
const whileServing = async (
  server: Deno.ChildProcess,
  test: (origin: string, text: string) => Promise<void>,
): Promise<string> => {
  const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const logged = new Response(server.stderr).text();
  let text = "";
  while (!text.includes("curl")) {
    const { value, done } = await output.read();
    if (done) throw new Error(`it ended, having said: ${text}${await logged}`);
    text += value;
  }
  try {
    await test(text.split(" ")[0], text);
  } finally {
    server.kill("SIGTERM");
    assertEquals((await server.status).code, 0);
    await output.cancel();
  }
  return await logged;
};

Deno.test("serve: says where, what and on which engine; draws, logs; ends with 0 at SIGTERM", async () => {
  const logged = await whileServing(spawn("--model", model, "--port", "0", "--engine", "wasm"), async (_, text) => {
    assertMatch(text, /^http:\/\/127\.0\.0\.1:\d+ serves tests\/fixtures\/tiny-model \(8×8, 3 classes, T = 100\)\n/);
    assertMatch(text, /\nengine wasm \S+: .*; warm in \d+\.\d s\n/);
    const url = /curl -o a.png "(\S+)"/.exec(text)![1];
    const image = await fetch(url);
    assertEquals([image.status, image.headers.get("content-type")], [200, "image/png"]);
    await image.body!.cancel();
  });
  const { message, path, status } = JSON.parse(logged);
  assertEquals([message, path, status], ["request", "/generate", 200]);
});

Deno.test("serve: its options reach the server", async () => {
  const options = ["--max-images=2", "--max-steps=9", "--timeout=7", "--capacity=4", "--queue=900", "--deterministic"];
  const args = [...options, "--cors=https://a.example,https://b.example", "--cors=https://c.example", "--log=off"];
  const server = spawn("-m", model, "--model", model, "--port=0", ...args);
  const logged = await whileServing(server, async (origin, text) => {
    assertStringIncludes(text, "serves tests/fixtures/tiny-model as tiny-model (8×8");
    const models = await (await fetch(`${origin}/models`)).json();
    const name = models[1].name;
    assertEquals([models.length, models[0].capacity, models[0].queueLimit], [2, 4, 900]);
    const { errors } = await (await fetch(`${origin}/generate?n=3&steps=10&timeoutSeconds=8&model=x`)).json();
    assertEquals(errors.map(({ allowed }: { allowed: string }) => allowed), [
      "≤ 2",
      "≤ 9",
      `one of tiny-model, ${name}`,
      "≤ 7",
    ]);
    const response = await fetch(`${origin}/health`, { headers: { origin: "https://c.example" } });
    assertEquals(response.headers.get("access-control-allow-origin"), "https://c.example");
    await response.body!.cancel();
  });
  assertEquals(logged, "");
});

Deno.test("serve: DENOISE_API_KEYS closes it to others; where it may not be read, or cannot be, nothing is served", async () => {
  const args = ["--model", model, "--port=0", "--log=off"];
  await whileServing(spawnWith({ env: { DENOISE_API_KEYS: "secret:generate" } }, ...args), async (origin) => {
    const statusOf = async (headers: HeadersInit) => {
      const response = await fetch(`${origin}/generate?steps=1`, { headers });
      await response.body!.cancel();
      return response.status;
    };
    assertEquals([await statusOf({}), await statusOf({ authorization: "Bearer secret" })], [401, 200]);
  });
  const env = { DENOISE_API_KEYS: "secret:draw" };
  assertEquals(await outcome(spawnWith({ env }, ...args)), {
    code: 2,
    lines: [
      "error: DENOISE_API_KEYS must hold KEY:RIGHT,RIGHT … separated by spaces; " +
      'entry 1 has a right "draw"; there are generate, jobs, metrics',
    ],
  });
  const { code, lines } = await outcome(spawnWith({ env, variables: "DATABASE_URL,XDG_RUNTIME_DIR" }, ...args));
  assertEquals([code, lines.length], [2, 1]);
  assertStringIncludes(lines[0], "--allow-env=DENOISE_API_KEYS");
});

Deno.test("serve: a wrong origin for --cors exits 2", async () => {
  for (const origin of ["example.org", "https://example.org/", "null"]) {
    assertEquals(await fails("--model", model, "--cors", origin), {
      code: 2,
      lines: [`error: --cors must be origins, as https://example.org, or *, received ${JSON.stringify(origin)}`],
    });
  }
});

Deno.test("serve: a missing model, a damaged one and a port in use each exit 2 with one clear line", async () => {
  const missing = await fails("--model", "models/nowhere", "--port", "0");
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
    const damaged = await fails("--model", folder, "--port", "0");
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
