import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { chooseFiles, listFiles, type RepositoryListing } from "../../../model/hub/listing.ts";
import {
  ConnectionError,
  fileAddress,
  HubError,
  listingAddress,
  parseRepository,
  type Repository,
  requestText,
} from "../../../model/hub/request.ts";
import { type Behaviour, COMMIT, reasonNotToServe, serveHub } from "./local_hub.ts";

const FINE = { endpoint: "https://hub.example", name: "me/mine", revision: "main" };

Deno.test("parseRepository takes what hubs name, and makes addresses of it", () => {
  const oldest = parseRepository({ ...FINE, name: "gpt2", endpoint: "https://hub.example/" });
  assertEquals(oldest, { ...FINE, name: "gpt2" });
  const repository = parseRepository({ endpoint: "http://[::1]:80/mirror/", name: "a-b/C_d.5", revision: "refs/pr/1" });
  assertEquals(
    listingAddress(repository),
    "http://[::1]/mirror/api/models/a-b/C_d.5/revision/refs%2Fpr%2F1?blobs=true",
  );
  assertEquals(
    fileAddress(repository, "unet/a b?.json"),
    "http://[::1]/mirror/a-b/C_d.5/resolve/refs%2Fpr%2F1/unet/a%20b%3F.json",
  );
});

for (
  const name of [
    "",
    "a/b/c",
    "../a",
    "a/..",
    ".",
    "a/.b",
    "a//b",
    "/a",
    "a/",
    "a b",
    "a\\b",
    "a/b?c",
    "a%2f",
    "-a/b",
    "a/b..c",
    "a/b\n",
    "x".repeat(200),
  ]
) {
  Deno.test(`parseRepository refuses ${JSON.stringify(name.slice(0, 20))} as a name`, () => {
    const { message } = assertThrows(
      () => parseRepository({ ...FINE, name }),
      RangeError,
      "repo must be OWNER/NAME of",
    );
    assertEquals(message.includes("\n"), false);
  });
}

Deno.test("parseRepository refuses revisions and endpoints that lead elsewhere", () => {
  for (const revision of ["", "..", "a/../b", "a?b", "a#b", "/", "main "]) {
    assertThrows(() => parseRepository({ ...FINE, revision }), RangeError, "revision must be a branch");
  }
  for (const endpoint of ["hub.example", "file:///etc", "ftp://a", "https://a:b@c", "https://a?b", "https://a#b", ""]) {
    assertThrows(() => parseRepository({ ...FINE, endpoint }), RangeError, "endpoint must be an http or https address");
  }
});

const hubTest = (
  name: string,
  behaviour: Partial<Behaviour>,
  fn: (repository: Repository, hub: ReturnType<typeof serveHub>) => Promise<void>,
) =>
  Deno.test({
    name: reasonNotToServe === "" ? name : `${name} (${reasonNotToServe})`,
    ignore: reasonNotToServe !== "",
    fn: async () => {
      await using hub = serveHub({ files: {}, ...behaviour });
      await fn({ ...FINE, endpoint: hub.endpoint }, hub);
    },
  });

const text = (content: string) => new TextEncoder().encode(content);

hubTest(
  "listFiles reads paths, sizes and checksums, and pins the commit",
  { files: { "config.json": text("{}"), "a.safetensors": text("abc") } },
  async (repository) => {
    const listing = await listFiles(repository);
    assertEquals(listing.repository.revision, COMMIT);
    // The SHA-256 of "abc", as FIPS 180-2 prints it.
    const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assertEquals(listing.files, [
      { path: "config.json", size: 2, sha256: null },
      { path: "a.safetensors", size: 3, sha256 },
    ]);
    assertEquals(await requestText(listing.repository, fileAddress(listing.repository, "config.json")), "{}");
  },
);

hubTest("listFiles takes a checksum or commit of another form for none", {
  listing: JSON.stringify({
    sha: "../main",
    siblings: [{ rfilename: "a", size: "1", lfs: { sha256: "MD5" } }, { rfilename: "b", size: 2, lfs: null }],
  }),
}, async (repository) => {
  const listing = await listFiles(repository);
  assertEquals(listing.repository, repository);
  assertEquals(listing.files, [{ path: "a", size: null, sha256: null }, { path: "b", size: 2, sha256: null }]);
});

for (const listing of ["", "<html>", "[]", "null", '{"siblings": [{}]}', '{"siblings": 3}']) {
  hubTest(`listFiles refuses ${JSON.stringify(listing)} in the place of a listing`, { listing }, async (repository) => {
    await assertRejects(() => listFiles(repository), HubError, "does not answer as a model hub does");
  });
}

const REFUSALS: [Behaviour["refuses"] & object, string, string][] = [
  [{ status: 401 }, "shows no me/mine without a token", "does not accept this token, or has no me/mine"],
  [
    { status: 403 },
    "does not give out me/mine without a token",
    "does not give out me/mine for this token: accept its",
  ],
  [{ status: 401, code: "GatedRepo" }, "does not give out me/mine without a token", "for this token: accept its terms"],
  [{ status: 404 }, "has no me/mine at revision main (404 for", "has no me/mine at revision main (404 for"],
  [{ status: 404, code: "RevisionNotFound" }, "has no revision main of me/mine", "has no revision main of me/mine"],
  [{ status: 429 }, "answered 429 (too many requests) for", "answered 429"],
  [{ status: 418 }, "answered 418 for", "answered 418 for"],
];

for (const [refuses, without, withToken] of REFUSALS) {
  hubTest(`request explains ${refuses.status} ${refuses.code ?? ""} in one line`, { refuses }, async (repository) => {
    const error = await assertRejects(() => listFiles(repository), HubError, `${repository.endpoint} ${without}`);
    assertEquals(error.message.includes("\n"), false);
    await assertRejects(() => listFiles(repository, { token: "secret" }), HubError, withToken);
    assertEquals(error instanceof ConnectionError, refuses.status === 429);
  });
}

Deno.test({
  name: `request says that a hub cannot be reached ${reasonNotToServe && `(${reasonNotToServe})`}`,
  ignore: reasonNotToServe !== "",
  fn: async () => {
    const { endpoint, ...hub } = serveHub({ files: {} });
    await hub[Symbol.asyncDispose]();
    const error = await assertRejects(() => listFiles({ ...FINE, endpoint }), ConnectionError);
    assertStringIncludes(error.message, `Cannot reach ${new URL(endpoint).host}: `);
  },
});

hubTest("request sends the token to the hub", { token: "secret", files: { a: text("b") } }, async (repository, hub) => {
  await assertRejects(() => listFiles(repository), HubError);
  await listFiles(repository, { token: "secret" });
  assertEquals(hub.asked.map(({ authorization }) => authorization), [null, "Bearer secret"]);
});

hubTest(
  "request follows a redirect to another origin without the token, with the range",
  {},
  async (repository, other) => {
    await using hub = serveHub({
      files: { "a.safetensors": text("abc") },
      redirects: `${repository.endpoint}/elsewhere`,
      token: "secret",
    });
    const at = { ...repository, endpoint: hub.endpoint, revision: COMMIT };
    const url = fileAddress(at, "a.safetensors");
    await assertRejects(
      () => requestText(at, url, { token: "secret", headers: { range: "bytes=1-" } }),
      HubError,
      "404",
    );
    assertEquals(hub.asked.map(({ authorization }) => authorization), ["Bearer secret"]);
    const path = `/elsewhere/me/mine/resolve/${COMMIT}/a.safetensors`;
    assertEquals(other.asked, [{ path, range: "bytes=1-", authorization: null }]);
  },
);

for (const [redirects, message] of [["data:text/plain,", "redirects"], ["file:///etc", "to where it must not"]]) {
  hubTest(
    `request does not follow a redirect to ${redirects}`,
    { files: { "a.safetensors": text("a") }, redirects },
    async (repository) => {
      const at = { ...repository, revision: COMMIT };
      await assertRejects(() => requestText(at, fileAddress(at, "a.safetensors")), HubError, message);
    },
  );
}

hubTest("request ends a circle of redirects", { files: { "a.safetensors": text("a") } }, async () => {
  const behaviour: Behaviour = { files: { "a.safetensors": text("a") } };
  await using hub = serveHub(behaviour);
  behaviour.redirects = `${hub.endpoint}/me/mine/resolve/${COMMIT}/a.safetensors?`;
  const at = { ...FINE, endpoint: hub.endpoint, revision: COMMIT };
  await assertRejects(() => requestText(at, fileAddress(at, "a.safetensors")), HubError, "more than 5 times");
});

const listing = (...paths: string[]): RepositoryListing => ({
  repository: FINE,
  files: paths.map((path) => ({ path, size: 1, sha256: null })),
});
const WEIGHTS = "diffusion_pytorch_model.safetensors";
const chosen = (...paths: string[]) => {
  const { unet, weights, others } = chooseFiles(listing(...paths));
  return [unet, weights, ...others].map(({ path }) => path);
};

Deno.test("chooseFiles takes a pipeline's files, or those of the flat layout, and leaves the rest", () => {
  const pipeline = ["model_index.json", "scheduler/scheduler_config.json", "unet/config.json", `unet/${WEIGHTS}`];
  assertEquals(chosen("README.md", ...pipeline, "unet/diffusion_pytorch_model.bin", "config.json", WEIGHTS), [
    "unet/config.json",
    `unet/${WEIGHTS}`,
    "model_index.json",
    "scheduler/scheduler_config.json",
    "README.md",
  ]);
  assertEquals(chosen("config.json", "scheduler_config.json", WEIGHTS, "diffusion_pytorch_model.bin", "denoise.json"), [
    "config.json",
    WEIGHTS,
    "scheduler_config.json",
    "denoise.json",
  ]);
  assertEquals(
    chosen("config.json", "diffusion_pytorch_model.fp16.safetensors")[1],
    "diffusion_pytorch_model.fp16.safetensors",
  );
});

Deno.test("chooseFiles says what a repository lacks", () => {
  const refuses = (message: string, ...paths: string[]) =>
    assertThrows(() => chooseFiles(listing(...paths)), HubError, message);
  refuses("me/mine holds no U-Net of diffusers: neither unet/config.json nor config.json");
  refuses("me/mine holds no weights: no diffusion_pytorch_model.safetensors", "config.json", `unet/${WEIGHTS}`);
  refuses(
    'pickled (.bin), which can run code and is not read; convert them in Python: UNet2DModel.from_pretrained("me/mine")',
    "config.json",
    "diffusion_pytorch_model.bin",
  );
  refuses(
    'in shards, which are not read; convert them in Python: UNet2DModel.from_pretrained("me/mine", subfolder="unet")',
    "unet/config.json",
    `unet/${WEIGHTS}.index.json`,
  );
});
