import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseKeys } from "../../../routes/http/keys.ts";
import { findKey } from "../../../routes/http/rights.ts";
import { asJson, withServer } from "../with_server.ts";

Deno.test("parseKeys: keys and their rights, spaces between them; none of an empty text", () => {
  const keys = parseKeys("  first.key=:generate\n s3cond/+~:generate,jobs,metrics ");
  assertEquals(keys.map(({ name, rights }) => [name, [...rights]]), [
    ["key 1", ["generate"]],
    ["key 2", ["generate", "jobs", "metrics"]],
  ]);
  assertEquals(parseKeys(" "), []);
});

Deno.test("parseKeys refuses what is no list of keys, and never repeats a key", () => {
  const cases = [
    ["secretword", "entry 1 names no right"],
    ["a:generate secretword:", 'entry 2 has a right ""; there are generate, jobs, metrics'],
    ["secretword:draw", 'entry 1 has a right "draw"'],
    [":generate", "entry 1 must have a key of letters"],
    ["secretwörd:generate", "entry 1 must have a key of letters"],
    ["secretword:generate secretword:jobs", "entry 2 has an earlier one's key"],
  ];
  for (const [text, message] of cases) {
    const error = assertThrows(() => parseKeys(text), SyntaxError, message);
    assert(!error.message.includes("secretw"), error.message);
  }
});

Deno.test("findKey finds the key that was presented, and none for another", () => {
  const keys = parseKeys("alpha:generate beta:jobs");
  assertEquals(findKey(keys, "beta"), keys[1]);
  for (const other of ["", "alph", "alphaa", "ALPHA", "gamma"]) assertEquals(findKey(keys, other), null);
});

Deno.test("keys: each opens what it has the right to, and what needs none is open to all", () => {
  const keys = parseKeys("drawer:generate trainer:jobs watcher:metrics");
  const wanted: [path: string, right: string | null][] = [
    ["/", null],
    ["/health", null],
    ["/ready", null],
    ["/openapi.json", null],
    ["/generate?steps=1", "drawer"],
    ["/forward?steps=1&count=2", "drawer"],
    ["/models", "drawer"],
    ["/schedules", "drawer"],
    ["/schedules/cosine", "drawer"],
    ["/predictions", "drawer"],
    ["/jobs", "trainer"],
    ["/metrics", "watcher"],
  ];
  return withServer(async ({ origin }) => {
    for (const [path, right] of wanted) {
      for (const key of [undefined, "drawer", "trainer", "watcher", "nobody's"]) {
        const headers: HeadersInit = key === undefined ? {} : { authorization: `Bearer ${key}` };
        const response = await fetch(`${origin}${path}`, { headers });
        const body = await response.text();
        const known = key === "drawer" || key === "trainer" || key === "watcher";
        const status = right === null || key === right ? 200 : known ? 403 : 401;
        assertEquals(response.status, status, `${key} at ${path}: ${body}`);
        if (status === 200) continue;
        assertEquals(response.headers.get("content-type"), "application/problem+json");
        const challenge = response.headers.get("www-authenticate")!;
        const error = key === undefined ? "" : known ? ', error="insufficient_scope"' : ', error="invalid_token"';
        assertEquals(challenge, `Bearer realm="denoise"${error}`);
      }
    }
    for (const authorization of ["drawer", "Basic drawer", "Bearer", "Bearer dräwer", "Bearer drawer x"]) {
      const response = await fetch(`${origin}/models`, { headers: { authorization } }).catch(() => null);
      if (response) assertEquals([response.status, (await response.json()).status], [401, 401], authorization);
    }
    const { components, paths } = await (await fetch(`${origin}/openapi.json`)).json();
    assertEquals(components.securitySchemes.key.scheme, "bearer");
    assertEquals(paths["/jobs"].post.security, [{ key: [] }]);
    assertEquals(paths["/health"].get.security, undefined);
  }, { keys });
});

Deno.test("keys: a prediction is seen by the key that made it alone", () => {
  const keys = parseKeys("one:generate other:generate");
  return withServer(async ({ origin }) => {
    const as = (key: string) => ({ authorization: `Bearer ${key}` });
    const body = { task: "generate", input: { steps: 1, seed: 1 } };
    const made = await fetch(`${origin}/predictions/mine`, asJson(body, { method: "PUT", headers: as("one") }));
    assertEquals(made.status, 201);
    await made.body!.cancel();
    const statusOf = async (path: string, key: string, init: RequestInit = {}) => {
      const response = await fetch(`${origin}${path}`, { ...init, headers: as(key) });
      const text = await response.text();
      return [response.status, response.status === 200 ? JSON.parse(text) : null];
    };
    assertEquals((await statusOf("/predictions/mine", "one"))[0], 200);
    assertEquals((await statusOf("/predictions/mine", "other"))[0], 404);
    assertEquals((await statusOf("/predictions/mine", "other", { method: "DELETE" }))[0], 404);
    assertEquals(await statusOf("/predictions", "other"), [200, []]);
    const taken = await fetch(`${origin}/predictions/mine`, asJson(body, { method: "PUT", headers: as("other") }));
    assertEquals([taken.status, (await taken.json()).status], [409, 409]);
  }, { keys });
});
