import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { downloadFile, type DownloadOptions } from "../../../model/hub/download.ts";
import type { RemoteFile } from "../../../model/hub/listing.ts";
import { ConnectionError, HubError, type Repository } from "../../../model/hub/request.ts";
import { reasonNotToWrite, writingTest } from "../temporary_folder.ts";
import { type Behaviour, COMMIT, reasonNotToServe, serveHub, sha256 } from "./local_hub.ts";

const PATH = "unet/diffusion_pytorch_model.safetensors";
const BYTES = Uint8Array.from({ length: 50_000 }, (_, i) => (i * i) >> 3);
const FILE: RemoteFile = { path: PATH, size: BYTES.length, sha256: sha256(BYTES) };
const QUICK: DownloadOptions = { pause: 1, idleTimeout: 5000 };

const hubTest = (
  name: string,
  behaviour: Partial<Behaviour>,
  fn: (at: {
    folder: string;
    to: string;
    partial: string;
    get: (options?: DownloadOptions, file?: RemoteFile) => Promise<void>;
    ranges: () => (string | null)[];
    behaviour: Behaviour;
  }) => Promise<void>,
) =>
  writingTest(name, async (folder) => {
    const lively: Behaviour = { files: { [PATH]: BYTES }, ...behaviour };
    await using hub = serveHub(lively);
    const repository: Repository = { endpoint: hub.endpoint, name: "me/mine", revision: COMMIT };
    const to = join(folder, "a.safetensors");
    await fn({
      folder,
      to,
      partial: `${to}.${FILE.sha256!.slice(0, 8)}.partial`,
      get: (options, file = FILE) => downloadFile(repository, file, to, { ...QUICK, ...options }),
      ranges: () => hub.asked.map(({ range }) => range),
      behaviour: lively,
    });
  }, reasonNotToWrite || reasonNotToServe);

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

hubTest("download fetches a file, tells how far it is, and leaves that file alone", {}, async ({ folder, to, get }) => {
  const told: number[] = [];
  await get({ onProgress: (bytes) => told.push(bytes) });
  assertEquals(await Deno.readFile(to), BYTES);
  assertEquals(names(folder), ["a.safetensors"]);
  assertEquals([told[0], told.at(-1)], [0, BYTES.length]);
  assertEquals(told, told.toSorted((a, b) => a - b));
});

hubTest("download asks nothing where the file is there, and refuses where another is", {}, async (at) => {
  await at.get();
  const told: number[] = [];
  await at.get({ onProgress: (bytes) => told.push(bytes) });
  assertEquals([at.ranges(), told], [[null], [BYTES.length]]);
  const other = BYTES.with(7, 99);
  await Deno.writeFile(at.to, other);
  await assertRejects(() => at.get(), HubError, "is there already (50000 of 50000 bytes) and is another file");
  assertEquals(await Deno.readFile(at.to), other);
});

hubTest(
  "download goes on by itself where the connection broke off",
  { breaks: { after: 17_000, times: 2 } },
  async (at) => {
    await at.get();
    assertEquals(await Deno.readFile(at.to), BYTES);
    const [first, ...rest] = at.ranges();
    assertEquals([first, rest.length], [null, 2]);
    for (const range of rest) assertEquals(/^bytes=[1-9]\d*-$/.test(range ?? ""), true, `range ${range}`);
    assertEquals(names(at.folder), ["a.safetensors"]);
  },
);

hubTest(
  "download gives up after tries without progress, and the next one goes on from the part that is there",
  { breaks: { after: 20_000, times: 1 } },
  async (at) => {
    const message = /^Cannot get .*: the connection broke off at \d+ of 50000 bytes; run again to go on from there$/;
    const error = await assertRejects(() => at.get({ tries: 1 }), ConnectionError);
    assertEquals(message.test(error.message), true, error.message);
    const { size } = await Deno.stat(at.partial);
    assertEquals(await Deno.readFile(at.partial), BYTES.slice(0, size));
    assertLess(1, size);

    const told: number[] = [];
    await at.get({ onProgress: (bytes) => told.push(bytes) });
    assertEquals([at.ranges().at(-1), told[0]], [`bytes=${size}-`, size]);
    assertEquals(await Deno.readFile(at.to), BYTES);
  },
);

hubTest("download starts over where the hub ignores ranges", { ignoresRanges: true }, async (at) => {
  await Deno.writeFile(at.partial, new Uint8Array(30_000).fill(7));
  await at.get();
  assertEquals([at.ranges(), await Deno.readFile(at.to)], [["bytes=30000-"], BYTES]);
});

hubTest(
  "download refuses another range than it asked for, and keeps the part as it is",
  { shiftsRanges: 5 },
  async (at) => {
    await Deno.writeFile(at.partial, BYTES.slice(0, 30_000));
    await assertRejects(() => at.get(), HubError, "the hub answers another range than bytes 30000- asked for");
    assertEquals(await Deno.readFile(at.partial), BYTES.slice(0, 30_000));
  },
);

hubTest("download takes a part that is whole without asking, and drops one that is too long", {}, async (at) => {
  await Deno.writeFile(at.partial, BYTES);
  await at.get();
  assertEquals([at.ranges(), await Deno.readFile(at.to)], [[], BYTES]);
  await Deno.remove(at.to);
  await Deno.writeFile(at.partial, new Uint8Array(60_000));
  await at.get();
  assertEquals([at.ranges(), await Deno.readFile(at.to)], [[null], BYTES]);
});

hubTest(
  "download removes a part that turns out damaged, says both checksums, and then starts afresh",
  {},
  async (at) => {
    await Deno.writeFile(at.partial, new Uint8Array(10_000).fill(7));
    await assertRejects(() => at.get(), HubError, `arrived damaged and was removed: its SHA-256 is `);
    assertEquals(names(at.folder), []);
    await at.get();
    assertEquals(await Deno.readFile(at.to), BYTES);
  },
);

hubTest("download refuses a file of another checksum than listed, and leaves nothing", {}, async (at) => {
  at.behaviour.files[PATH] = BYTES.with(49_999, 1);
  const error = await assertRejects(() => at.get(), HubError, `the hub lists ${FILE.sha256}`);
  assertEquals(error instanceof ConnectionError, false);
  assertEquals([at.ranges(), names(at.folder)], [[null], []]);
});

hubTest("download refuses a file that is longer than listed, and does not fetch the rest", {}, async (at) => {
  await assertRejects(() => at.get({}, { ...FILE, size: 20_000 }), HubError, "is larger than the 20000 bytes listed");
  assertEquals(names(at.folder).includes("a.safetensors"), false);
});

hubTest("download tries again where the file is shorter than listed", {}, async (at) => {
  await assertRejects(
    () => at.get({ tries: 2 }, { ...FILE, size: 60_000 }),
    ConnectionError,
    "the hub no longer has the rest of",
  );
  assertEquals(names(at.folder).includes("a.safetensors"), false);
});

hubTest("download of a file without checksum or size starts afresh each time", {}, async (at) => {
  const file = { path: PATH, size: null, sha256: null };
  await Deno.writeFile(`${at.to}.partial`, new Uint8Array(60_000));
  await at.get({}, file);
  assertEquals([at.ranges(), await Deno.readFile(at.to), names(at.folder)], [[null], BYTES, ["a.safetensors"]]);
  await assertRejects(() => at.get({}, file), HubError, "the hub gives no checksum to compare it with");
});

hubTest("download counts silence as a broken connection", { silentAfter: 20_000 }, async (at) => {
  const started = performance.now();
  await assertRejects(() => at.get({ tries: 1, idleTimeout: 150 }), ConnectionError, "the connection broke off at ");
  assertLess(performance.now() - started, 4000);
  assertLess(1, (await Deno.stat(at.partial)).size);
});

hubTest("download stops at its signal, with its reason, and keeps the part", { silentAfter: 20_000 }, async (at) => {
  const controller = new AbortController();
  const reason = new Error("called off");
  const onProgress = (bytes: number) => bytes > 10_000 && controller.abort(reason);
  const error = await assertRejects(() => at.get({ signal: controller.signal, onProgress }));
  assertEquals(error, reason);
  assertLess(1, (await Deno.stat(at.partial)).size);
});

hubTest(
  "download tries an overloaded hub again, and says what it answered",
  { refuses: { status: 503 } },
  async (at) => {
    await assertRejects(() => at.get({ tries: 3 }), ConnectionError, "answered 503 for http://127.0.0.1");
    assertEquals(at.ranges().length, 3);
  },
);
