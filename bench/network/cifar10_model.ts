import { normal } from "../../core/mod.ts";
import { initializeUNet } from "../../model/initialize.ts";
import { type Pipeline, savePipeline } from "../../model/pipeline.ts";
import { parseSchedulerConfig } from "../../model/scheduler_config.ts";
import { parseUNetConfig } from "../../model/unet_config.ts";

/** google/ddpm-cifar10-32. */
const CIFAR10 = {
  sample_size: 32,
  in_channels: 3,
  out_channels: 3,
  block_out_channels: [128, 256, 256, 256],
  layers_per_block: 2,
  down_block_types: ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
  up_block_types: ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
  attention_head_dim: null,
  downsample_padding: 0,
  flip_sin_to_cos: false,
  freq_shift: 1,
  norm_eps: 1e-6,
};

/**
 * Writes the U-Net of the paper's CIFAR-10 run (35.7M parameters) into `folder`, with the weights that training starts
 * from, and those that start at zero drawn too: a layer of zeros might be less work, and hides what lies before it.
 */
export const writeCifar10Model = async (folder: string): Promise<Pipeline> => {
  const unet = parseUNetConfig(CIFAR10);
  const weights = initializeUNet(unet, 1);
  let index = 0;
  for (const { data } of weights.values()) {
    index++;
    if (data.every((value) => value === 0)) data.forEach((_, i) => data[i] = 0.02 * normal(2, index, 0, i));
  }
  const pipeline = { folder, unet, scheduler: parseSchedulerConfig({}), labels: null, nullLabel: null, weights };
  await savePipeline(pipeline);
  return pipeline;
};
