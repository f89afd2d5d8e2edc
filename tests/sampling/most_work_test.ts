import { assert } from "@std/assert";
import { compileTask, workOf } from "../../sampling/compile.ts";
import { mostWorkOf } from "../../sampling/request.ts";
import { fakeModel } from "../serving/fake_model.ts";
import { createChance, randomRequest } from "./random_request.ts";

Deno.test("mostWorkOf: no request takes more rows than it says, and hardly any much fewer", () => {
  const { target } = fakeModel();
  const chance = createChance(11);
  const kinds = new Set<string>();
  let most = 0, all = 0;
  for (let i = 0; i < 1000; i++) {
    const request = randomRequest(chance, target, { mostSteps: chance.pick([8, 100]), mostImages: 8 });
    const work = workOf(compileTask(request, target));
    const bound = mostWorkOf(request, target);
    assert(bound >= work, `${bound} < ${work}: ${JSON.stringify({ ...request, image: 0, mask: 0 })}`);
    kinds.add(request.kind);
    most += bound;
    all += work;
  }
  assert(kinds.size === 5 && most <= 1.05 * all, `${most} for ${all}`);
});
