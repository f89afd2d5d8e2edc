import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseHostName } from "../../../routes/http/hosts.ts";
import { createLog } from "../../../routes/http/log.ts";
import { requestOf, sendRaw } from "../send_raw.ts";
import { until, withServer } from "../with_server.ts";

const OWN = [
  ...["localhost", "localhost:1", "LocalHost.", "localhost:", "a.localhost:8000", "a.b.localhost"],
  ...["127.0.0.1", "127.0.0.1:80", "[::1]:8000", "192.168.1.7:8000", "10.1.2.3", "127.1", "[fe80::1]"],
];

const FOREIGN = [
  ...["evil.example", "evil.example:8000", "localhost.evil.example", "notlocalhost", "127.0.0.1.evil.example"],
  ...["xn--exmple-cua.org", "a_b", "a-b"],
];

const NONE = [
  ...["", "a b", "a/b", "a?b", "a#b", "a\\b", "a,b", "a\tb", "*", "..", "a..b", ".a", "user@localhost"],
  ...["localhost@evil.example", "localhost:99999", "localhost:abc", "localhost:1:2", "[::1", "::1", "[a]", "a%20b"],
  ...["999.1.1.1", "1.2.3.4.5", "http://localhost", "exämple.org", "a".repeat(64), `${"a.".repeat(200)}a`],
];

Deno.test("a request for a name that is not the server's is 421, one for what is no host 400, each a problem", () =>
  withServer(async ({ origin }) => {
    const cases = [[OWN, 200], [FOREIGN, 421], [NONE, 400]] as const;
    for (const [hosts, wanted] of cases) {
      for (const host of hosts) {
        const { status, headers, body } = await sendRaw(origin, requestOf(host));
        assertEquals(status, wanted, `${host}: ${body}`);
        if (status === 200) continue;
        assertEquals(headers.get("content-type"), "application/problem+json");
        assertStringIncludes(body, `"requestId":"${headers.get("x-request-id")}"`);
      }
    }
    const beyondAscii = new Uint8Array([...new TextEncoder().encode(requestOf("a")).map((byte) => byte)]);
    beyondAscii[beyondAscii.indexOf(97, 20)] = 0xff;
    assertEquals((await sendRaw(origin, beyondAscii)).status, 400);
  }));

Deno.test("the target of a request counts as its host does", () =>
  withServer(async ({ origin }) => {
    const statusOf = async (target: string, host = "localhost") =>
      (await sendRaw(origin, requestOf(host, { path: target }))).status;
    assertEquals(await statusOf("http://localhost/health"), 200);
    assertEquals(await statusOf("http://evil.example/health"), 421);
    assertEquals(await statusOf("http://localhost/health", "evil.example"), 421);
    assertEquals(await statusOf("http://localhost:99999/health"), 400);
    assertEquals(await statusOf("http://user:pass@localhost/health"), 400);
    assertEquals(await statusOf("ftp://localhost/health"), 400);
    const without = (target: string) => sendRaw(origin, `GET ${target} HTTP/1.0\r\n\r\n`);
    assertEquals((await without("/health")).status, 200);
    assertEquals((await without("http://evil.example/health")).status, 421);
  }));

Deno.test("a server goes by the names that it is given, and the one that it listens on", async () => {
  const statusOf = async (origin: string, host: string) => (await sendRaw(origin, requestOf(host))).status;
  await withServer(async ({ origin }) => {
    const cases: [string, number][] = [
      ["images.example", 200],
      ["IMAGES.example:8000", 200],
      ["a.images.example", 421],
      ["deep.below.example.org", 200],
      ["example.org", 421],
      ["notexample.org", 421],
      ["localhost", 200],
    ];
    for (const [host, wanted] of cases) assertEquals(await statusOf(origin, host), wanted, host);
  }, { hosts: ["images.example", "*.example.org"] });
  await withServer(async ({ origin }) => {
    assertEquals(await statusOf(origin, "any.example"), 200);
    assertEquals(await statusOf(origin, "a b"), 400);
  }, { hosts: ["*"] });
});

Deno.test("a request that is refused for its host does nothing, and is logged", async () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", (line) => lines.push(JSON.parse(line)));
  await withServer(async ({ origin }) => {
    const body = '{"task":"generate","input":{"steps":1}}';
    const more = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    const put = { method: "PUT", path: "/predictions/mine", more };
    assertEquals((await sendRaw(origin, requestOf("evil.example", put) + body)).status, 421);
    assertEquals(await (await fetch(`${origin}/predictions`)).json(), []);
    await until(() => lines.length, (count) => count === 2);
    const { message, method, path, status } = lines[0];
    assertEquals([message, method, path, status], ["request", "PUT", "/predictions/mine", 421]);
    assertStringIncludes(
      await (await fetch(`${origin}/metrics`)).text(),
      'denoise_request_seconds_count{method="PUT",route="/predictions/{id}",status="421"} 1\n',
    );
  }, { log });
});

Deno.test("parseHostName: names in lower case and as punycode, patterns; null for what is none", () => {
  const cases: [string, string | null][] = [
    ["Example.org", "example.org"],
    ["example.org.", "example.org"],
    ["*.Example.org", "*.example.org"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["my_box", "my_box"],
    ["192.168.1.7", "192.168.1.7"],
    ["*", "*"],
  ];
  for (const [text, name] of cases) assertEquals(parseHostName(text), name, text);
  const none = [
    "",
    "*.",
    "*.*",
    "a.*.b",
    "example.org:80",
    "http://example.org",
    "a b",
    "a/b",
    "user@a",
    ".a",
    "a..b",
    "é ü",
  ];
  for (const text of none) assertEquals(parseHostName(text), null, text);
});
