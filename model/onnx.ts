import { join } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { type RecordedInput, recordOnnx } from "../engine/onnx/record.ts";
import { ModelError } from "./error.ts";
import { type Pipeline, saveConfigs } from "./pipeline.ts";
import { createUNet, embedTimesteps } from "./unet.ts";
import { sampleShape } from "./unet_config.ts";
import { uploadWeights, Weights } from "./weights.ts";

/** How a network is written as ONNX. */
export interface OnnxFileOptions {
  /** Of the weights and of what is computed with them; inputs and output are float32. */
  readonly dtype?: "float32" | "float16";
  /** Name and version of the program that writes it. */
  readonly producer: string;
  /** The model's name. */
  readonly name: string;
}

/** A file of protocol buffers is below 2 GiB; this leaves room for the graph. */
const MOST_BYTES = 2 ** 31 - 2 ** 24;

/**
 * Writes ε_θ as the bytes of a `.onnx` file of standard operators, with inputs and output as diffusers names them:
 * `sample` [batch, in_channels, H, W], `timestep` int64 [batch], `class_labels` int64 [batch] where there are classes,
 * `out_sample` [batch, out_channels, H, W]. The weights are in it as diffusers' `state_dict` has them.
 *
 * Its metadata say what made it, the model's name, and under diffusers' names what `out_sample` is: `prediction_type`
 * and, of a second half of the channels, `variance_type`.
 *
 * @throws {RangeError} if a weight is too large for float16
 * @throws {ModelError} if the weights are more than a file can hold
 */
export const encodeUNetAsOnnx = async (
  { unet: config, scheduler, weights }: Pick<Pipeline, "unet" | "scheduler" | "weights">,
  { dtype = "float32", producer, name }: OnnxFileOptions,
): Promise<Uint8Array<ArrayBuffer>> => {
  const bytes = weights.values().reduce((sum, { data }) => sum + data.length, 0) * (dtype === "float16" ? 2 : 4);
  if (bytes > MOST_BYTES) {
    throw new ModelError(`Cannot write ${name} as ONNX: its weights must be below 2 GiB, they are ${bytes} bytes`);
  }
  const unet = createUNet(config);
  const embedding = {
    size: config.block_out_channels[0],
    freqShift: config.freq_shift,
    flipSinToCos: config.flip_sin_to_cos,
  };
  const indices: RecordedInput = { type: "int64", shape: [] };
  const inputs: Record<string, RecordedInput> = {
    sample: { type: "float32", shape: [config.in_channels, ...sampleShape(config)] },
    timestep: indices,
    ...(config.num_class_embeds === null ? {} : { class_labels: indices }),
  };
  return await recordOnnx(
    ({ sample, timestep, class_labels }) => {
      const out = unet({
        x: tf.transpose(sample, [0, 2, 3, 1]) as tf.Tensor4D,
        timesteps: embedTimesteps(timestep as tf.Tensor1D, embedding),
        classes: class_labels as tf.Tensor1D | undefined,
      }, new Weights(uploadWeights(weights)));
      return { out_sample: tf.transpose(out, [0, 3, 1, 2]) };
    },
    {
      inputs,
      parameters: weights,
      type: dtype,
      metadata: {
        producer,
        name,
        prediction_type: scheduler.prediction_type,
        variance_type: scheduler.variance_type,
      },
    },
  );
};

/** The network's file in a model's folder, where diffusers keeps it too. */
const FILE = join("unet", "model.onnx");

/**
 * Writes a model as a folder like `savePipeline`'s, with the network as `unet/model.onnx` in the place of its weights.
 *
 * @throws {RangeError} if a weight is too large for float16
 * @throws {ModelError} if the weights are more than a file can hold
 */
export const saveAsOnnx = async (pipeline: Pipeline, options: OnnxFileOptions): Promise<void> => {
  await saveConfigs(pipeline);
  await Deno.writeFile(join(pipeline.folder, FILE), await encodeUNetAsOnnx(pipeline, options));
};
