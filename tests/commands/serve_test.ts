import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";
import { requestOf, sendRaw } from "../routes/send_raw.ts";

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

/** Starts a server whose log nobody reads, and asks it so much that no pipe holds what it logs. */
const serveUnread = async () => {
  const server = spawn("--model", model, "--port=0", "--engine=wasm");
  const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("curl")) said += (await output.read()).value;
  await output.cancel();
  const origin = said.split(" ")[0];
  const requests = 1500;
  for (let i = 0; i < requests; i++) {
    const response = await fetch(`${origin}/${"nowhere".repeat(500)}`);
    assertEquals([response.status, (await response.json()).status], [404, 404]);
  }
  return { server, origin, requests };
};

Deno.test("serve: one whose log nobody reads answers, and tells what it left out once somebody does", async () => {
  const { server, origin, requests } = await serveUnread();
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  const dropped = Number(/^denoise_log_lines_dropped_total (\d+)$/m.exec(metrics)![1]);
  const logged = new Response(server.stderr).text();
  server.kill("SIGTERM");
  assertEquals((await server.status).code, 0);
  const lines = (await logged).trim().split("\n").map((line) => JSON.parse(line));
  const told = lines.filter(({ message }) => /^\d+ lines dropped/.test(message));
  assertEquals(told.map(({ level }) => level), ["error"]);
  assert(dropped > 0 && told[0].dropped >= dropped, `${told[0].dropped} of ${dropped}`);
  // The last may be the one that asked for the metrics.
  const written = lines.filter(({ message }) => message === "request").length;
  const all = written + told[0].dropped;
  assert(all === requests || all === requests + 1, `${written} and ${told[0].dropped}`);
});

Deno.test("serve: one whose log nobody reads ends at SIGTERM", async () => {
  const { server } = await serveUnread();
  server.kill("SIGTERM");
  assertEquals((await server.status).code, 0);
  await server.stderr.cancel();
});

Deno.test("serve: its options reach the server", async () => {
  const options = ["--max-images=2", "--max-steps=9", "--timeout=7", "--capacity=4", "--queue=900", "--deterministic"];
  const origins = ["--cors=https://a.example,https://b.example", "--cors=https://c.example"];
  const args = [...options, ...origins, "--allow-host=a.example,*.Example.org", "--log=off"];
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
    const statusOf = async (host: string) => (await sendRaw(origin, requestOf(host))).status;
    assertEquals([await statusOf("a.example"), await statusOf("b.example.org")], [200, 200]);
    assertEquals(await statusOf("b.example"), 421);
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

Deno.test("serve: a wrong name for --allow-host exits 2", async () => {
  for (const name of ["example.org:80", "https://example.org", "*.*", "a b"]) {
    assertEquals(await fails("--model", model, "--allow-host", name), {
      code: 2,
      lines: [
        "error: --allow-host must be names without a port, as example.org, or *.example.org for all below it, or *, " +
        `received ${JSON.stringify(name)}`,
      ],
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
