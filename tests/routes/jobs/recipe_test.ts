import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { remoteTrainOptions, resolveRecipe } from "../../../training/recipe.ts";
import { createMemoryJobs } from "../../jobs/memory_jobs.ts";
import { asJson, withServer } from "../with_server.ts";
import { launchTraining } from "../../../jobs/launch.ts";

const main = new URL("../../fixtures/fake_trainer.ts", import.meta.url);
const jobs = () => createMemoryJobs({ launch: (options, settings) => launchTraining(options, { ...settings, main }) });

Deno.test("POST /recipe: every option with its value, and which were given; what does not go together is 422", () =>
  withServer(async ({ origin }) => {
    const resolve = async (options: object) => {
      const response = await fetch(`${origin}/recipe`, asJson(options, { method: "POST" }));
      return { status: response.status, body: await response.json() };
    };
    const { body } = await resolve({ preset: "emoji", lr: 0.01, keep: 3 });
    assertEquals(body, {
      recipe: resolveRecipe({ preset: "emoji", lr: 0.01 }),
      given: ["preset", "lr"],
    });
    assertEquals([body.recipe.schedule, body.recipe.steps, body.recipe.batch], ["cosine", 30_000, 32]);
    const refused = await resolve({ schedule: "jsd" });
    assertEquals([refused.status, refused.body.errors[0].field], [422, "prediction"]);
    assertEquals(await (await fetch(`${origin}/jobs`)).json(), []);
  }, { jobs: jobs(), trainingOptions: remoteTrainOptions }));

Deno.test("GET /jobs/{id}: once a run has begun, its recipe is the run's, whatever defaults are now", async () => {
  const queue = jobs();
  await withServer(async ({ origin }) => {
    const { run, id } = await queue.add({ preset: "tiny", steps: 5 });
    const recipeNow = async () => (await (await fetch(`${origin}/jobs/${id}`)).json()).recipe;
    const asked = { ...resolveRecipe({ preset: "tiny", steps: 5 }) };
    assertEquals(await recipeNow(), asked);
    await Deno.mkdir(run, { recursive: true });
    try {
      const stored = { ...asked, data: "/elsewhere/mnist", batch: 7 };
      await Deno.writeTextFile(join(run, "config.json"), JSON.stringify(stored));
      assertEquals(await recipeNow(), { ...asked, batch: 7 });
    } finally {
      await Deno.remove(run, { recursive: true });
    }
  }, { jobs: queue, trainingOptions: remoteTrainOptions });
});
