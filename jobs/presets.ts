import type { UNetConfigInput } from "../model/config.ts";

const conditional = {
  sample_size: 32,
  in_channels: 1,
  out_channels: 1,
  norm_num_groups: 8,
  attention_head_dim: null,
} as const;

/** U-Nets by name. Channels of the images and the number of classes follow the dataset. */
export const PRESETS = {
  // 1.1M parameters, 4.3 MB; attention where there are 4×4 pixels, which is what an embedded engine affords.
  digits: {
    ...conditional,
    block_out_channels: [16, 32, 64, 64],
    layers_per_block: 1,
    down_block_types: ["DownBlock2D", "DownBlock2D", "DownBlock2D", "AttnDownBlock2D"],
    up_block_types: ["AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"],
  },
  // 0.1M parameters, for tests and first looks.
  tiny: {
    ...conditional,
    block_out_channels: [8, 16, 32],
    layers_per_block: 1,
    down_block_types: ["DownBlock2D", "DownBlock2D", "DownBlock2D"],
    up_block_types: ["UpBlock2D", "UpBlock2D", "UpBlock2D"],
  },
} as const satisfies Record<string, UNetConfigInput>;

/** The name of a preset. */
export type PresetName = keyof typeof PRESETS;

/** Every preset's name. */
export const PRESET_NAMES = Object.keys(PRESETS) as [PresetName, ...PresetName[]];
