import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { targetOf } from "../../sampling/loaded_model.ts";
import { whyNot } from "../engine/why_not.ts";
import { createChance } from "../sampling/random_request.ts";
import { drawPool, runMix } from "./mix.ts";

const folder = fromFileUrl(new URL("../fixtures/tiny-model", import.meta.url));
const CAPACITY = 16;

for (const engineName of ["wasm", "onnx", "tensorflow"] as const) {
  const reason = whyNot(engineName);
  for (const [title, bucket, mixes] of [["in any bucket", undefined, 200], ["in one bucket", CAPACITY, 25]] as const) {
    Deno.test(
      `scheduler on ${engineName}, ${title}: in ${mixes} random mixes with aborts each image has the bits it has alone, ` +
        `and no tensor is left ${reason}`.trimEnd(),
      { ignore: reason !== "" },
      async () => {
        const pipeline = await loadPipeline(folder);
        const engine = await openEngine(engineName);
        const before = tf.memory().numTensors;
        const network = createDenoiser(engine, pipeline, { bucket });
        const sizes = new Set<number>();
        const model = {
          network: {
            ...network,
            evaluate: (...args: Parameters<typeof network.evaluate>) => {
              sizes.add(network.bucketOf(args[1].length));
              return network.evaluate(...args);
            },
          },
          target: targetOf(pipeline, network),
          nullLabel: pipeline.nullLabel,
          bucketOf: network.bucketOf,
        };
        const pool = await drawPool(model, { count: 40, seed: 1 });
        const loaded = tf.memory().numTensors;
        const chance = createChance(2);
        let checked = 0;
        for (let mix = 0; mix < mixes; mix++) checked += await runMix(model, pool, chance);
        assert(checked > 3 * mixes, `${checked} requests were checked`);
        if (bucket === undefined) assert(sizes.size >= ((engine.leastRows ?? 1) === 1 ? 5 : 4), `sizes ${[...sizes]}`);
        else assertEquals([...sizes], [bucket]);
        assertEquals(tf.memory().numTensors, loaded);
        network.dispose();
        assertEquals(tf.memory().numTensors, before);
      },
    );
  }
}
