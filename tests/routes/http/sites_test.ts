import { assertEquals } from "@std/assert";
import { requestOf, sendRaw } from "../send_raw.ts";
import { withServer } from "../with_server.ts";

const FRIEND = "https://friend.example";

type Headers = Readonly<Record<string, string>>;

const ask = async (origin: string, line: string, headers: Headers, host = "localhost") => {
  const [method, path] = line.split(" ");
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return (await sendRaw(origin, requestOf(host, { method, path, more }))).status;
};

const from = (site: string, origin?: string): Headers => ({
  "sec-fetch-site": site,
  ...(origin === undefined ? {} : { origin }),
});

const fetched = (mode: string, dest: string): Headers => ({
  "sec-fetch-site": "cross-site",
  "sec-fetch-mode": mode,
  "sec-fetch-dest": dest,
});

/** Requests of pages elsewhere. */
const FOREIGN: [line: string, headers: Headers][] = [
  ...["POST /jobs", "PUT /predictions/a", "DELETE /models/a", "POST /jobs/a/cancel", "OPTIONS /jobs", "GET /generate"]
    .flatMap((line): [string, Headers][] => [
      [line, from("cross-site", "https://evil.example")],
      [line, from("same-site", "http://localhost:3000")],
      [line, from("cross-site")],
      [line, { origin: "https://evil.example" }],
      [line, { origin: "http://localhost:3000" }],
      [line, { origin: "null" }],
    ]),
  ["GET /generate", fetched("no-cors", "image")],
  ["GET /generate", fetched("navigate", "iframe")],
  ["GET /generate", fetched("navigate", "object")],
  ["GET /generate", { ...fetched("navigate", "document"), "sec-purpose": "prefetch;prerender" }],
  ["POST /generate", fetched("navigate", "document")],
];

/** Requests of this server's page, of people and of programs, and how they are answered. */
const OWN: [line: string, headers: Headers, status: number][] = [
  ["POST /jobs", from("same-origin", "http://localhost"), 415],
  ["POST /jobs", from("none"), 415],
  ["POST /jobs", {}, 415],
  ["POST /jobs", { origin: "http://localhost" }, 415],
  // What ends TLS before it.
  ["POST /jobs", { origin: "https://localhost" }, 415],
  ["GET /generate?steps=1", {}, 200],
  ["GET /generate?steps=1", { referer: "https://evil.example/" }, 200],
  ["GET /generate?steps=1", fetched("navigate", "document"), 200],
];

Deno.test("a request that a page of another site makes is 403; those of its own page, of links and programs are answered", () =>
  withServer(async ({ origin }) => {
    for (const [line, headers] of FOREIGN) {
      assertEquals(await ask(origin, line, headers), 403, `${line} ${JSON.stringify(headers)}`);
    }
    for (const [line, headers, status] of OWN) {
      assertEquals(await ask(origin, line, headers), status, `${line} ${JSON.stringify(headers)}`);
    }
    assertEquals(await ask(origin, "POST /jobs", { origin: "http://127.0.0.1:8000" }, "127.0.0.1:8000"), 415);
    assertEquals(await ask(origin, "POST /jobs", { origin: "http://127.0.0.1:8001" }, "127.0.0.1:8000"), 403);
  }));

Deno.test("pages of the origins that are named may send what they like, others still may not; with * all may", async () => {
  await withServer(async ({ origin }) => {
    for (const [line, headers] of FOREIGN) assertEquals(await ask(origin, line, headers), 403, line);
    const friend = from("cross-site", FRIEND);
    assertEquals(await ask(origin, "POST /jobs", friend), 415);
    assertEquals(await ask(origin, "POST /jobs", { origin: FRIEND }), 415);
    assertEquals(await ask(origin, "OPTIONS /jobs", { ...friend, "access-control-request-method": "POST" }), 204);
    // Its pictures, which come with no origin.
    const picture = fetched("no-cors", "image");
    assertEquals(await ask(origin, "GET /generate?steps=1", { ...picture, referer: `${FRIEND}/album` }), 200);
    assertEquals(await ask(origin, "GET /generate?steps=1", { ...picture, referer: "https://evil.example/" }), 403);
  }, { origins: [FRIEND] });
  await withServer(async ({ origin }) => {
    assertEquals(await ask(origin, "POST /jobs", from("cross-site", "https://any.example")), 415);
    assertEquals(await ask(origin, "GET /generate?steps=1", fetched("no-cors", "image")), 200);
  }, { origins: ["*"] });
});
