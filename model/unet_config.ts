import { z } from "zod";
import { parseConfig } from "./config_json.ts";
import { ModelError } from "./error.ts";

const positive = z.int().min(1);
const block = (...names: [string, ...string[]]) => z.array(z.enum(names)).min(1);

/** The class of network, by diffusers' name, that this project runs. */
export const UNET_CLASS = "UNet2DModel";

/** A key that is checked and not kept. */
const checked = z.object({ _class_name: z.literal(UNET_CLASS).optional() });

/** The keys of diffusers' `UNet2DModel`, with its defaults; what this project has no code for is refused by name. */
const schema = z.object({
  sample_size: z.union([positive, z.tuple([positive, positive])]),
  in_channels: positive.default(3),
  out_channels: positive.default(3),
  center_input_sample: z.boolean().default(false),
  time_embedding_type: z.literal("positional").default("positional"),
  time_embedding_dim: positive.nullable().default(null),
  freq_shift: z.number().default(0),
  flip_sin_to_cos: z.boolean().default(true),
  down_block_types: block("DownBlock2D", "AttnDownBlock2D"),
  mid_block_type: z.enum(["UNetMidBlock2D"]).nullable().default("UNetMidBlock2D"),
  up_block_types: block("UpBlock2D", "AttnUpBlock2D"),
  block_out_channels: z.array(positive).min(1),
  layers_per_block: positive.default(2),
  mid_block_scale_factor: z.number().positive().default(1),
  downsample_padding: z.union([z.literal(0), z.literal(1)]).default(1),
  downsample_type: z.literal("conv").default("conv"),
  upsample_type: z.literal("conv").default("conv"),
  dropout: z.number().min(0).lt(1).default(0),
  act_fn: z.enum(["silu", "swish"]).default("silu"),
  attention_head_dim: positive.nullable().default(8),
  norm_num_groups: positive.default(32),
  attn_norm_num_groups: positive.nullable().default(null),
  norm_eps: z.number().positive().default(1e-5),
  resnet_time_scale_shift: z.enum(["default", "scale_shift"]).default("default"),
  add_attention: z.boolean().default(true),
  class_embed_type: z.null().default(null),
  num_class_embeds: positive.nullable().default(null),
});

/** Configuration of a U-Net under the keys of diffusers' `UNet2DModel`. */
export type UNetConfig = z.infer<typeof schema>;

/** A configuration as it may be written down: keys with a default can be left out. */
export type UNetConfigInput = z.input<typeof schema>;

/**
 * Checks a U-Net's configuration and fills in diffusers' defaults. Keys that do not shape the network are dropped.
 *
 * @param json the parsed content of a `unet/config.json`
 * @throws {ModelError} that names the key, what was received and what is allowed
 */
export const parseUNetConfig = (json: unknown): UNetConfig => {
  parseConfig(checked, json, "U-Net config");
  const config = parseConfig(schema, json, "U-Net config");
  const levels = config.block_out_channels.length;
  for (const key of ["down_block_types", "up_block_types"] as const) {
    if (config[key].length !== levels) {
      throw new ModelError(
        `Cannot use this U-Net config: ${key} must have ${levels} entries, as block_out_channels, received ${
          config[key].length
        }`,
      );
    }
  }
  for (const channels of config.block_out_channels) {
    if (channels % config.norm_num_groups !== 0) {
      throw new ModelError(
        `Cannot use this U-Net config: block_out_channels must be multiples of norm_num_groups ${config.norm_num_groups}, received ${channels}`,
      );
    }
  }
  checkAttention(config);
  const [height, width] = sampleShape(config);
  const factor = 2 ** (levels - 1);
  if (height % factor !== 0 || width % factor !== 0) {
    throw new ModelError(
      `Cannot use this U-Net config: sample_size must be a multiple of ${factor} for ${levels} levels, received ${height}×${width}`,
    );
  }
  return config;
};

/** Checks that heads and groups divide the channels of every attention. */
const checkAttention = (config: UNetConfig): void => {
  const { block_out_channels: widths, attention_head_dim: headDim, attn_norm_num_groups: groups } = config;
  const hasMiddle = config.mid_block_type !== null && config.add_attention;
  const attended = widths.filter((_, i) =>
    config.down_block_types[i] === "AttnDownBlock2D" || config.up_block_types.at(-1 - i) === "AttnUpBlock2D" ||
    (hasMiddle && i === widths.length - 1)
  );
  for (const channels of attended) {
    if (headDim !== null && channels % headDim !== 0) {
      throw new ModelError(
        `Cannot use this U-Net config: attention_head_dim must divide the ${channels} channels of its block, received ${headDim}`,
      );
    }
  }
  const middle = widths.at(-1)!;
  if (hasMiddle && groups !== null && middle % groups !== 0) {
    throw new ModelError(
      `Cannot use this U-Net config: attn_norm_num_groups must divide the middle's ${middle} channels, received ${groups}`,
    );
  }
};

/** Height and width of the images that a U-Net draws, in pixels. */
export const sampleShape = (config: Pick<UNetConfig, "sample_size">): [height: number, width: number] =>
  typeof config.sample_size === "number" ? [config.sample_size, config.sample_size] : config.sample_size;

/** Width of the time embedding behind its two linear layers. */
export const timeEmbeddingSize = (config: UNetConfig): number =>
  config.time_embedding_dim ?? 4 * config.block_out_channels[0];
