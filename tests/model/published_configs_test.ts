import { assertEquals } from "@std/assert";
import { unetParameters } from "../../model/architecture.ts";
import { diffusionOf, parseSchedulerConfig } from "../../model/scheduler_config.ts";
import { parseUNetConfig } from "../../model/unet_config.ts";

/** What the checkpoints of the paper, as converted for diffusers in 2022, say alike. */
const OLD = {
  _class_name: "UNet2DModel",
  _diffusers_version: "0.0.4",
  act_fn: "silu",
  attention_head_dim: null,
  center_input_sample: false,
  downsample_padding: 0,
  flip_sin_to_cos: false,
  freq_shift: 1,
  in_channels: 3,
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  norm_eps: 1e-6,
  norm_num_groups: 32,
  out_channels: 3,
  time_embedding_type: "positional",
};

const CIFAR10 = {
  ...OLD,
  block_out_channels: [128, 256, 256, 256],
  down_block_types: ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
  sample_size: 32,
  up_block_types: ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
};

const CELEBA_HQ = {
  ...OLD,
  block_out_channels: [128, 128, 256, 256, 512, 512],
  down_block_types: [...Array(4).fill("DownBlock2D"), "AttnDownBlock2D", "DownBlock2D"],
  sample_size: 256,
  up_block_types: ["UpBlock2D", "AttnUpBlock2D", ...Array(4).fill("UpBlock2D")],
};

// The counts are diffusers' own: sum(p.numel() for p in UNet2DModel(**config).parameters()).
for (
  const [name, config, values, tensors] of [
    ["ddpm-cifar10-32", CIFAR10, 35_746_307, 328],
    ["ddpm-celebahq-256", CELEBA_HQ, 113_673_219, 450],
  ] as const
) {
  Deno.test(`parseUNetConfig reads the config of ${name}: ${values} parameters in ${tensors} tensors`, () => {
    const unet = parseUNetConfig(config);
    assertEquals(
      [unet.downsample_padding, unet.flip_sin_to_cos, unet.freq_shift, unet.attention_head_dim, unet.norm_eps],
      [0, false, 1, null, 1e-6],
    );
    const parameters = unetParameters(unet);
    assertEquals(parameters.length, tensors);
    assertEquals(parameters.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0), values);
  });
}

Deno.test("parseSchedulerConfig reads the configs of diffusers 0.1, keys since dropped included", () => {
  const config = parseSchedulerConfig({
    _class_name: "DDPMScheduler",
    _diffusers_version: "0.1.1",
    beta_end: 0.02,
    beta_schedule: "linear",
    beta_start: 0.0001,
    clip_sample: true,
    num_train_timesteps: 1000,
    tensor_format: "pt",
    timestep_values: null,
    timesteps: 1000,
    trained_betas: null,
    variance_type: "fixed_large",
  });
  assertEquals([config.variance_type, config.prediction_type, config.clip_sample], ["fixed_large", "epsilon", true]);
  assertEquals(diffusionOf(config).timesteps, 1000);
});

Deno.test("parseSchedulerConfig takes predict_epsilon: false, of before prediction_type, for a network that predicts x_0", () => {
  assertEquals(parseSchedulerConfig({ predict_epsilon: false }).prediction_type, "sample");
  assertEquals(parseSchedulerConfig({ predict_epsilon: true }).prediction_type, "epsilon");
  assertEquals(
    parseSchedulerConfig({ predict_epsilon: false, prediction_type: "v_prediction" }).prediction_type,
    "v_prediction",
  );
});

Deno.test("parseSchedulerConfig reads DDIMScheduler's config, its own keys left out", () => {
  const config = parseSchedulerConfig({
    _class_name: "DDIMScheduler",
    _diffusers_version: "0.42.1",
    beta_end: 0.02,
    beta_schedule: "scaled_linear",
    beta_start: 0.0001,
    clip_sample: false,
    clip_sample_range: 1.0,
    dynamic_thresholding_ratio: 0.995,
    num_train_timesteps: 1000,
    prediction_type: "v_prediction",
    rescale_betas_zero_snr: true,
    sample_max_value: 1.0,
    set_alpha_to_one: true,
    steps_offset: 1,
    thresholding: false,
    timestep_spacing: "trailing",
    trained_betas: null,
  });
  assertEquals(config.beta_schedule, "scaled_linear");
  assertEquals([config.clip_sample, config.steps_offset, config.timestep_spacing], [false, 1, "trailing"]);
  assertEquals(diffusionOf(config).alphasCumprod.at(-1), 0);
});
