import { assert, assertEquals } from "@std/assert";
import { createGuesses } from "../../../routes/http/guesses.ts";
import { parseKeys } from "../../../routes/http/keys.ts";
import { withServer } from "../with_server.ts";

Deno.test("wrong keys: ten are free, then an address waits longer and longer up to a second; each is forgiven in six", () => {
  let now = 0;
  const guesses = createGuesses(10, () => now);
  const send = () => guesses.add("10.0.0.1");
  for (let i = 0; i < 10; i++) assertEquals(send(), { delay: 0, retryAfter: 0 });
  assertEquals(send(), { delay: 100, retryAfter: 12 });
  assertEquals(send(), { delay: 200, retryAfter: 18 });
  assertEquals(guesses.add("10.0.0.2"), { delay: 0, retryAfter: 0 });
  for (let i = 0; i < 100; i++) send();
  assertEquals(send(), { delay: 1000, retryAfter: 66 });
  // As long as it is told, and no shorter.
  now += 65_000;
  assert(send().delay > 0);
  now += 12_000;
  assertEquals(send(), { delay: 0, retryAfter: 0 });
  now += 3_600_000;
  for (let i = 0; i < 10; i++) assertEquals(send().delay, 0);
});

Deno.test("wrong keys: as many addresses are remembered as may be, the last ones, and few answers are held back", async () => {
  const guesses = createGuesses(10, () => 0);
  for (let i = 0; i < 11; i++) guesses.add("10.0.0.1");
  for (let i = 0; i < 10_000; i++) guesses.add(`10.1.${i >> 8}.${i & 255}`);
  assertEquals([guesses.count, guesses.add("10.0.0.1").delay], [10_000, 0]);

  const ended: string[] = [];
  const hold = (address: string, name: string) => guesses.hold(address, 50).then(() => ended.push(name));
  const held = Array.from({ length: 64 }, (_, i) => hold("10.0.0.1", `held ${i}`));
  await hold("10.0.0.1", "at once");
  assertEquals(ended, ["at once"]);
  await Promise.all([...held, hold("10.0.0.2", "another's")]);
  assertEquals(ended.length, 66);
});

Deno.test("who sends many wrong keys is told 429 and when to come again; a right key passes, from the same address", () =>
  withServer(async ({ origin }) => {
    const send = async (key?: string, path = "/models") => {
      const headers: HeadersInit = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const response = await fetch(`${origin}${path}`, { headers });
      const { status } = await response.json();
      return { status: status ?? 200, headers: response.headers };
    };
    for (let i = 0; i < 10; i++) assertEquals((await send(`wrong-${i}`)).status, 401);
    const limited = await Promise.all(Array.from({ length: 12 }, (_, i) => send(`wrong-${i}`)));
    assertEquals(limited.map(({ status }) => status), Array(12).fill(429));
    for (const { headers } of limited) {
      assertEquals(headers.get("content-type"), "application/problem+json");
      const seconds = Number(headers.get("retry-after"));
      assert(seconds >= 6 && seconds <= 66, String(seconds));
    }
    assertEquals((await send("right")).status, 200);
    // One that lacks the right is no guess, nor is none at all.
    assertEquals([(await send("right", "/jobs")).status, (await send()).status], [403, 401]);
    assertEquals((await send("wrong")).status, 429);
  }, { keys: parseKeys("right:generate") }));
