import { assert, assertEquals } from "@std/assert";
import { createChance } from "../sampling/random_request.ts";
import { fakeModel } from "./fake_model.ts";
import { drawPool, runMix } from "./mix.ts";

for (const learned of [false, true]) {
  Deno.test(`scheduler: in 300 random mixes each image has the bits it has alone${learned ? ", learned variance" : ""}`, async () => {
    const model = fakeModel({ learned });
    const pool = await drawPool(model, { count: 80, seed: 1 });
    assertEquals(new Set(pool.map(({ request }) => request.kind)).size, 5);
    const chance = createChance(2);
    let checked = 0;
    for (let mix = 0; mix < 300; mix++) checked += await runMix(model, pool, chance);
    assert(checked > 1000, `${checked} requests were checked`);
  });
}
