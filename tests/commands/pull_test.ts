import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { type Behaviour, COMMIT, reasonNotToServe, serveHub } from "../model/hub/local_hub.ts";
import { type Ended, ended, missing, startWith, testCommandLine } from "./run_main.ts";

const MODEL = "tests/fixtures/tiny-model";
const CONFIG = "unet/config.json";
const SCHEDULER = "scheduler/scheduler_config.json";
const WEIGHTS = "unet/diffusion_pytorch_model.safetensors";
const PARTS = ["model_index.json", SCHEDULER, CONFIG, WEIGHTS, "denoise.json"];

const CARD = "# A model";

const PERMISSIONS = ["--allow-net=127.0.0.1", "--allow-read=.", "--allow-write=runs"];

const files = (): Behaviour["files"] => ({
  "README.md": new TextEncoder().encode(CARD),
  ".gitattributes": new Uint8Array(10),
  ...Object.fromEntries(PARTS.map((path) => [path, Deno.readFileSync(join(MODEL, path))])),
});

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

interface Pulling {
  folder: string;
  out: string;
  behaviour: Behaviour;
  hub: ReturnType<typeof serveHub>;
  start: (...args: string[]) => Deno.ChildProcess;
  pull: (...args: string[]) => Promise<Ended>;
  /** Expects exit code 2 and one line. */
  refuses: (message: string, ...args: string[]) => Promise<void>;
}

const testPull = (name: string, test: (pulling: Pulling) => Promise<void>) =>
  testCommandLine(name, async (folder) => {
    const behaviour: Behaviour = { files: files() };
    await using hub = serveHub(behaviour);
    const out = join(folder, "mine");
    const start = (...args: string[]) =>
      startWith(PERMISSIONS, "pull", "me/mine", "--endpoint", hub.endpoint, "--out", out, ...args);
    const pull = (...args: string[]) => ended(start(...args));
    const refuses = async (message: string, ...args: string[]) => {
      const { code, stderr } = await pull(...args);
      assertStringIncludes(stderr, message);
      assertEquals([code, stderr.trimEnd().split("\n").length], [2, 1]);
    };
    await test({ folder, out, behaviour, hub, start, pull, refuses });
  }, missing || reasonNotToServe);

const eventsOf = ({ stdout }: Ended) => stdout.trim().split("\n").map((line) => JSON.parse(line));

const isThere = (path: string) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};

testPull("pull writes a pipeline that opens, byte for byte, and tells how it went", async ({ out, hub, pull }) => {
  const result = await pull();
  assertEquals([result.code, result.stderr], [0, ""]);
  assertEquals(Deno.readTextFileSync(join(out, "README.md")), CARD);
  for (const path of PARTS) assertEquals(Deno.readFileSync(join(out, path)), Deno.readFileSync(join(MODEL, path)));
  assertEquals([...Deno.readDirSync(join(out, "unet"))].length, 2);
  assertEquals({ ...await loadPipeline(out), folder: "" }, { ...await loadPipeline(MODEL), folder: "" });

  const events = eventsOf(result);
  const bytes = PARTS.reduce((sum, path) => sum + Deno.statSync(join(MODEL, path)).size, CARD.length);
  assertEquals(events[0], { event: "pull", repo: "me/mine", revision: COMMIT, files: 6, bytes });
  const size = Deno.statSync(join(MODEL, WEIGHTS)).size;
  const { step, steps, unit } = events.at(-2);
  assertEquals([step, steps, unit], [size, size, "bytes"]);
  assertEquals([events.at(-1).event, events.at(-1).file], ["done", out]);

  const asked = hub.asked.length;
  assertEquals((await pull()).code, 0);
  assertEquals(hub.asked.slice(asked).filter(({ path }) => path.endsWith(".safetensors")), [], "it is there already");
});

testPull("pull writes the flat layout as it is, and it opens", async ({ out, behaviour, pull }) => {
  const nested = behaviour.files;
  const flat = Object.entries(nested).map(([path, bytes]) => [path.replace(/^(unet|scheduler)\//, ""), bytes]);
  behaviour.files = Object.fromEntries(flat);
  assertEquals((await pull()).code, 0);
  const [pulled, model] = [await loadPipeline(out), await loadPipeline(MODEL)];
  assertEquals({ ...pulled, folder: "" }, { ...model, folder: "" });
});

testPull(
  "pull ends at Ctrl-C with 130, and the next one goes on from there",
  async ({ out, behaviour, hub, start, pull }) => {
    if (Deno.build.os === "windows") return;
    behaviour.silentAfter = 10_000;
    const child = start();
    const arrived = () => {
      try {
        return [...Deno.readDirSync(join(out, "unet"))].some(({ name }) =>
          /\.[0-9a-f]{8}\.partial$/.test(name) &&
          Deno.statSync(join(out, "unet", name)).size > 0
        );
      } catch {
        return false;
      }
    };
    while (!arrived()) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGINT");
    const text = await new Response(child.stdout).text();
    await child.stderr.cancel();
    assertEquals((await child.status).code, 130);
    assertStringIncludes(text, "called off; run again to go on");
    assertEquals(isThere(join(out, WEIGHTS)), false, "torn weights bear another name");

    behaviour.silentAfter = undefined;
    const result = await pull();
    assertEquals([result.code, result.stderr], [0, ""]);
    assertMatch(hub.asked.at(-1)!.range ?? "", /^bytes=[1-9]\d*-$/);
    assertEquals(Deno.readFileSync(join(out, WEIGHTS)), Deno.readFileSync(join(MODEL, WEIGHTS)));
  },
);

testPull(
  "pull goes on after broken connections, and gives up when they do not get on",
  async ({ behaviour, pull, refuses }) => {
    behaviour.breaks = { after: 0, times: 3 };
    await refuses("the connection broke off at 0 of ");
    behaviour.breaks = { after: 12_000, times: 1 };
    assertEquals((await pull()).code, 0);
  },
);

testPull("pull removes weights that do not match the hub's checksum", async ({ out, behaviour, refuses }) => {
  behaviour.checksum = "0".repeat(64);
  await refuses(`error: ${WEIGHTS} arrived damaged and was removed: its SHA-256 is `);
  assertEquals([...Deno.readDirSync(join(out, "unet"))].map(({ name }) => name), ["config.json"]);
});

testPull(
  "pull fetches nothing large of a model that this program does not run",
  async ({ out, behaviour, hub, refuses }) => {
    const spoil = async (path: string, value: unknown, message: string) => {
      behaviour.files = { ...files(), [path]: json(value) };
      await refuses(`error: Cannot use me/mine: ${path}: ${message}`);
    };
    await spoil(CONFIG, { sample_size: 8, block_out_channels: [8] }, "Cannot use this U-Net config: ");
    await spoil(SCHEDULER, { thresholding: true }, "Cannot use this scheduler config: thresholding: ");
    await spoil(
      SCHEDULER,
      { _class_name: "EulerDiscreteScheduler" },
      "Cannot use this scheduler config: _class_name: ",
    );
    await spoil(
      "model_index.json",
      {
        _class_name: "LDMPipeline",
        unet: ["diffusers", "UNet2DModel"],
        vqvae: ["diffusers", "VQModel"],
        x: [null, null],
      },
      "the model has parts that are not run here: vqvae",
    );
    behaviour.files = files();
    delete behaviour.files[WEIGHTS];
    await refuses("error: me/mine holds no weights");
    behaviour.files["unet/diffusion_pytorch_model.bin"] = new Uint8Array(4);
    await refuses(
      "its weights are pickled (.bin), which can run code and is not read; convert them in Python: UNet2DModel",
    );
    assertEquals(hub.asked.filter(({ path }) => path.includes("diffusion_pytorch_model")), []);
    assertEquals(isThere(join(out, CONFIG)), false, "nothing was written");
  },
);

testPull("pull never writes over another model", async ({ out, behaviour, pull, refuses }) => {
  assertEquals((await pull()).code, 0);
  behaviour.files[SCHEDULER] = json({ num_train_timesteps: 7 });
  await refuses(`error: ${join(out, SCHEDULER)} is there already and differs; --out names another folder`);
  behaviour.files = files();
  behaviour.files[WEIGHTS] = behaviour.files[WEIGHTS].with(-1, 77);
  await refuses(`error: ${join(out, WEIGHTS)} is there already (`);
  assertEquals(Deno.readFileSync(join(out, WEIGHTS)), Deno.readFileSync(join(MODEL, WEIGHTS)));
});

testPull(
  "pull sends the token of --token-file, and says what it lacks without",
  async ({ folder, behaviour, pull, refuses }) => {
    behaviour.token = "hub_secret";
    await refuses("shows no me/mine without a token: there is none, or it is private (--token-file names one)");
    const file = join(folder, "token");
    Deno.writeTextFileSync(file, "two words\n");
    await refuses(`--token-file must hold one token, and ${file} does not`, "--token-file", file);
    Deno.writeTextFileSync(file, "wrong\n");
    await refuses("does not accept this token, or has no me/mine", "--token-file", file);
    Deno.writeTextFileSync(file, "hub_secret\n");
    const result = await pull("--token-file", file);
    assertEquals(result.code, 0);
    assertEquals((result.stdout + result.stderr).includes("hub_secret"), false);
  },
);

testPull(
  "pull refuses what names no model, and a hub that it may not reach, in one line",
  async ({ folder, refuses, hub }) => {
    const closed = serveHub({ files: {} });
    await closed[Symbol.asyncDispose]();
    const one = async (message: string, ...args: string[]) => {
      const { code, stderr } = await ended(startWith(PERMISSIONS, "pull", ...args));
      assertStringIncludes(stderr, message);
      assertEquals([code, stderr.trimEnd().split("\n").length], [2, 1]);
    };
    await Promise.all([
      one("error: --repo is required"),
      one("error: --repo must be OWNER/NAME of letters, digits, dots, dashes and underscores", "../../core"),
      one('error: --revision must be a branch, a tag or a commit, received "../x"', "a/b", "--revision", "../x"),
      one(
        'error: --endpoint must be an http or https address without name, query or fragment, received "hub"',
        "a/b",
        "--endpoint",
        "hub",
      ),
      one("--allow-net=localhost:8765", "a/b", "--endpoint", "http://localhost:8765"),
      one(`error: Cannot reach ${new URL(closed.endpoint).host}: `, "a/b", "--endpoint", closed.endpoint),
      one("has no a/b at revision main", "a/b", "--endpoint", hub.endpoint, "--out", folder),
    ]);
    await refuses("has no me/mine at revision v2", "--revision", "v2");
  },
);

const python = (await Deno.permissions.query({ name: "run", command: "python3" })).state === "granted";

testCommandLine(
  "pull says that there is no room, and goes on when there is",
  async (folder) => {
    const behaviour: Behaviour = { files: files() };
    await using hub = serveHub(behaviour);
    const out = join(folder, "mine");
    const args = ["pull", "me/mine", "--endpoint", hub.endpoint, "--out", out];
    // A limit on the size of files stands in for a disk that is full.
    const code = `
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
os.execv(sys.argv[1], sys.argv[1:])`;
    const deno = [Deno.execPath(), ...DENO_RUN, ...PERMISSIONS, "main.ts"];
    const limited = await ended(
      new Deno.Command("python3", {
        args: ["-c", code, ...deno, ...args],
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    assertMatch(
      limited.stderr,
      /^error: Cannot write \S+\.partial: File too large; make room and run again to go on\n$/,
    );
    assertEquals(limited.code, 2);
    assertEquals((await ended(startWith(PERMISSIONS, ...args))).code, 0);
    assertEquals(hub.asked.at(-1)!.range, "bytes=8192-");
  },
  missing || reasonNotToServe || (python ? "" : "needs --allow-run=python3"),
);
