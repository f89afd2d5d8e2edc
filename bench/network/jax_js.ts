/**
 * jax-js's side of the comparison, in a process of its own; contender.ts has the protocol.
 *
 *     deno run … bench/network/jax_js.ts FOLDER
 */
import { loadPipeline } from "../../model/pipeline.ts";
import { sampleShape } from "../../model/unet_config.ts";
import { answer, images } from "./answer.ts";
import { createUNet, DESCRIPTION } from "./jax_js/unet.ts";

const pipeline = await loadPipeline(Deno.args[0]);
const evaluate = await createUNet(pipeline);
const [height, width] = sampleShape(pipeline.unet);
await answer(DESCRIPTION, {
  prepare: (rows) => {
    const x = images(rows, height * width * pipeline.unet.in_channels), timesteps = new Int32Array(rows).fill(500);
    return () => evaluate(x, timesteps);
  },
  evaluate: (x, timestep) => evaluate(x, Int32Array.of(timestep)),
});
