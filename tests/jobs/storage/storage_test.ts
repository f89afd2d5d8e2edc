import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { openStorage } from "../../../jobs/storage/open_storage.ts";
import { openS3Objects, s3Settings } from "../../../jobs/storage/s3.ts";
import { StorageError } from "../../../jobs/storage/storage.ts";

const KEYS = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };
const settings = (url: string, variables: Record<string, string> = {}) =>
  s3Settings(url, (name) => ({ ...KEYS, ...variables } as Record<string, string>)[name]);

Deno.test("s3Settings resolves an address by the usual variables", () => {
  assertEquals(settings("s3://bucket").base, "https://bucket.s3.us-east-1.amazonaws.com/");
  const near = settings("s3://bucket/a b/runs/", { AWS_REGION: "eu-west-1", AWS_SESSION_TOKEN: "token" });
  assertEquals(near.base, "https://bucket.s3.eu-west-1.amazonaws.com/a%20b/runs/");
  assertEquals([near.region, near.sessionToken], ["eu-west-1", "token"]);
  const own = { AWS_ENDPOINT_URL: "http://127.0.0.1:9000/" };
  assertEquals(settings("s3://bucket/runs", own).base, "http://127.0.0.1:9000/bucket/runs/");
  assertEquals(
    settings("s3://bucket", { ...own, AWS_ENDPOINT_URL_S3: "https://s3.example" }).base,
    "https://s3.example/bucket/",
  );
});

Deno.test("s3Settings names the part of an address or the variable that is wrong", () => {
  assertThrows(() => settings("s3://B/runs"), RangeError, 'storage must be s3://bucket/prefix, received "s3://B/runs"');
  assertThrows(() => s3Settings("s3://bucket", () => undefined), RangeError, "AWS_ACCESS_KEY_ID must be set");
  assertThrows(() => settings("s3://bucket", { AWS_ENDPOINT_URL: "minio" }), RangeError, 'received "minio"');
});

Deno.test("openStorage has nothing to do for folders, and refuses what is no storage", async () => {
  const storage = await openStorage(undefined);
  await storage.fetch("runs/none");
  await storage.push("runs/none");
  await assertRejects(() => openStorage("ftp://host/runs"), RangeError, "storage must be s3://bucket/prefix");
});

const serve = (answer: (attempt: number, request: Request) => Response | Promise<Response>) => {
  let attempt = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    await request.bytes();
    return answer(attempt++, request);
  });
  const objects = openS3Objects({
    ...settings("s3://bucket", { AWS_ENDPOINT_URL: `http://127.0.0.1:${server.addr.port}` }),
  });
  return { objects, attempts: () => attempt, [Symbol.asyncDispose]: () => server.shutdown() };
};

const { state } = await Deno.permissions.query({ name: "net", host: "127.0.0.1" });
const netTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({
    name: state === "granted" ? name : `${name} (needs --allow-net=127.0.0.1)`,
    ignore: state !== "granted",
    fn,
  });

netTest("a request that the server cannot serve now is tried again", async () => {
  await using server = serve((attempt) =>
    attempt < 2
      ? new Response("<Code>SlowDown</Code>", { status: 503 })
      : new Response(null, { headers: { etag: "1" } })
  );
  assertEquals(await server.objects.put("key", new Uint8Array(3)), "1");
  assertEquals(server.attempts(), 3);
});

netTest("a request that is refused is not tried again, and the server's reason is told", async () => {
  await using server = serve(() =>
    new Response("<Error><Code>AccessDenied</Code><Message>No</Message></Error>", { status: 403 })
  );
  await assertRejects(() => server.objects.remove("key"), StorageError, "403 AccessDenied: No");
  assertEquals(server.attempts(), 1);
});

netTest("a server that never answers well is given up", async () => {
  await using server = serve(() => new Response(null, { status: 500 }));
  await assertRejects(() => server.objects.get("key"), StorageError, "in 5 tries: 500");
});
