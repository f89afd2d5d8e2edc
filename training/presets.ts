import type { UNetConfigInput } from "../model/unet_config.ts";

/** A U-Net, whose channels and classes follow the data. */
type PresetUNet = Omit<UNetConfigInput, "sample_size" | "in_channels" | "out_channels" | "num_class_embeds">;

const SMALL = {
  data: "mnist",
  size: null,
  conditional: true,
  steps: 6000,
  batch: 32,
  microBatch: null,
  // The paper's 2e-4 is for a network 30 times the size.
  lr: 1e-3,
  warmup: 200,
  clip: 1,
  ema: [0.999],
  dropout: 0,
  flip: false,
  classShares: "data",
  labelDropout: 0.1,
  schedule: "linear",
  timesteps: 1000,
  prediction: "epsilon",
  lossWeighting: "uniform",
  variance: "fixed_small",
  timestepSampling: "uniform",
  checkpointEvery: 500,
  sampleEvery: 500,
} as const;

/** Ho et al. 2020, appendix B, and what their code has: `run_cifar.py`, `run_celebahq.py`. */
const PAPER = {
  ...SMALL,
  conditional: false,
  warmup: 5000,
  ema: [0.9999],
  flip: true,
  labelDropout: 0,
  checkpointEvery: 1000,
  sampleEvery: 1000,
} as const;

/** The keys in which the networks of the paper's checkpoints differ from diffusers' defaults. */
const PAPER_UNET = {
  layers_per_block: 2,
  attention_head_dim: null,
  downsample_padding: 0,
  flip_sin_to_cos: false,
  freq_shift: 1,
  norm_eps: 1e-6,
  norm_num_groups: 32,
} as const;

/** 1.1M parameters, 4.3 MB; attention where there are 4×4 pixels, which is what an embedded engine affords. */
const DIGITS_UNET: PresetUNet = {
  norm_num_groups: 8,
  attention_head_dim: null,
  block_out_channels: [16, 32, 64, 64],
  layers_per_block: 1,
  down_block_types: ["DownBlock2D", "DownBlock2D", "DownBlock2D", "AttnDownBlock2D"],
  up_block_types: ["AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"],
};

/** U-Nets by name, each with its recipe. */
export const PRESETS = {
  digits: { unet: DIGITS_UNET, recipe: SMALL },
  // A first look: digits can be read after some 5,000 images of a quarter of the pixels.
  quick: {
    unet: DIGITS_UNET,
    recipe: {
      ...SMALL,
      data: "mnist-test",
      size: 16,
      steps: 200,
      lr: 2e-3,
      warmup: 20,
      ema: [0.98],
      schedule: "cosine",
      prediction: "v_prediction",
      checkpointEvery: 100,
      sampleEvery: 50,
    },
  },
  // 2.8M parameters; attention at 8×8 and 4×4. One block a level: on a processor, twice the steps are worth more.
  emoji: {
    unet: {
      norm_num_groups: 16,
      attention_head_dim: 32,
      block_out_channels: [32, 64, 96, 96],
      layers_per_block: 1,
      down_block_types: ["DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"],
      up_block_types: ["AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
    },
    recipe: {
      ...SMALL,
      data: "emoji",
      size: 32,
      // Three quarters of the emoji are people.
      classShares: "equal",
      steps: 30_000,
      lr: 5e-4,
      warmup: 500,
      ema: [0.9995],
      dropout: 0.1,
      schedule: "cosine",
      prediction: "v_prediction",
      lossWeighting: "min_snr",
    },
  },
  // 35.7M parameters: google/ddpm-cifar10-32.
  cifar10: {
    unet: {
      ...PAPER_UNET,
      block_out_channels: [128, 256, 256, 256],
      down_block_types: ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
      up_block_types: ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
    },
    recipe: {
      ...PAPER,
      data: "cifar10",
      steps: 800_000,
      batch: 128,
      microBatch: 32,
      lr: 2e-4,
      dropout: 0.1,
      variance: "fixed_large",
    },
  },
  // 113.7M parameters: google/ddpm-celebahq-256.
  celebahq256: {
    unet: {
      ...PAPER_UNET,
      block_out_channels: [128, 128, 256, 256, 512, 512],
      down_block_types: [
        "DownBlock2D",
        "DownBlock2D",
        "DownBlock2D",
        "DownBlock2D",
        "AttnDownBlock2D",
        "DownBlock2D",
      ],
      up_block_types: ["UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"],
    },
    recipe: { ...PAPER, data: null, size: 256, steps: 500_000, batch: 64, microBatch: 4, lr: 2e-5 },
  },
  // 0.1M parameters, for tests: too few for digits that can be read.
  tiny: {
    unet: {
      norm_num_groups: 8,
      attention_head_dim: null,
      block_out_channels: [8, 16, 32],
      layers_per_block: 1,
      down_block_types: ["DownBlock2D", "DownBlock2D", "DownBlock2D"],
      up_block_types: ["UpBlock2D", "UpBlock2D", "UpBlock2D"],
    },
    recipe: SMALL,
  },
} as const satisfies Record<string, { unet: PresetUNet; recipe: object }>;

/** The name of a preset. */
export type PresetName = keyof typeof PRESETS;

/** Every preset's name. */
export const PRESET_NAMES = Object.keys(PRESETS) as [PresetName, ...PresetName[]];

/**
 * What `--init` alone decides where no preset is named: a network that can draw already is moved by small steps. Its
 * process is the model's own.
 */
export const FINE_TUNING = { ...SMALL, lr: 1e-4 } as const;
