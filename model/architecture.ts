import { timeEmbeddingSize, type UNetConfig } from "./unet_config.ts";

/** One residual block, with the attention behind it if it has one. Names are diffusers' module paths. */
export interface Layer {
  readonly resnet: string;
  readonly attention: string | null;
  /** Groups of the norm in front of the attention; `null`: there is none. */
  readonly attentionGroups: number | null;
  readonly inChannels: number;
  readonly outChannels: number;
}

/** One level of the way down or up: its layers, then the change of resolution, which the last level lacks. */
export interface Level {
  readonly layers: readonly Layer[];
  readonly resample: string | null;
  readonly channels: number;
}

/** What a configuration spells out: every block by its name, in the order in which the network runs them. */
export interface Architecture {
  readonly down: readonly Level[];
  readonly mid: readonly Layer[];
  readonly up: readonly Level[];
  readonly timeEmbedding: number;
}

/** Lists the blocks of diffusers' `UNet2DModel` for a configuration. */
export const architectureOf = (config: UNetConfig): Architecture => {
  const widths = config.block_out_channels;
  const last = widths.length - 1;
  const groups = config.norm_num_groups;
  const reversed = widths.toReversed();

  const down = widths.map((channels, i): Level => ({
    channels,
    layers: Array.from({ length: config.layers_per_block }, (_, j) => ({
      resnet: `down_blocks.${i}.resnets.${j}`,
      attention: config.down_block_types[i] === "AttnDownBlock2D" ? `down_blocks.${i}.attentions.${j}` : null,
      attentionGroups: groups,
      inChannels: j > 0 ? channels : widths[Math.max(0, i - 1)],
      outChannels: channels,
    })),
    resample: i < last ? `down_blocks.${i}.downsamplers.0.conv` : null,
  }));

  const channels = widths[last];
  const mid = config.mid_block_type === null ? [] : [0, 1].map((j): Layer => ({
    resnet: `mid_block.resnets.${j}`,
    attention: j === 0 && config.add_attention ? "mid_block.attentions.0" : null,
    attentionGroups: config.attn_norm_num_groups ?? (config.resnet_time_scale_shift === "default" ? groups : null),
    inChannels: channels,
    outChannels: channels,
  }));

  const skips = [
    widths[0],
    ...down.flatMap((level) => [
      ...level.layers.map((layer) => layer.outChannels),
      ...(level.resample ? [level.channels] : []),
    ]),
  ];
  let current = channels;
  const up = reversed.map((channels, i): Level => ({
    channels,
    layers: Array.from({ length: config.layers_per_block + 1 }, (_, j) => {
      const inChannels = current + skips.pop()!;
      current = channels;
      return {
        resnet: `up_blocks.${i}.resnets.${j}`,
        attention: config.up_block_types[i] === "AttnUpBlock2D" ? `up_blocks.${i}.attentions.${j}` : null,
        attentionGroups: groups,
        inChannels,
        outChannels: channels,
      };
    }),
    resample: i < last ? `up_blocks.${i}.upsamplers.0.conv` : null,
  }));

  return { down, mid, up, timeEmbedding: timeEmbeddingSize(config) };
};

/** What a parameter is, which decides how it starts: the last layer of every residual branch starts at zero. */
export type ParameterKind = "weight" | "zero-weight" | "bias" | "scale" | "embedding";

/** One tensor of the network: its name in diffusers' state dict and its shape there (OIHW, [out, in]). */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly kind: ParameterKind;
}

const weightAndBias = (name: string, shape: number[], kind: ParameterKind = "weight"): Parameter[] => [
  { name: `${name}.weight`, shape, kind },
  { name: `${name}.bias`, shape: [shape[0]], kind: "bias" },
];

const norm = (name: string, channels: number): Parameter[] => weightAndBias(name, [channels], "scale");

const residual = ({ resnet, inChannels, outChannels }: Layer, config: UNetConfig, embedding: number): Parameter[] => [
  ...norm(`${resnet}.norm1`, inChannels),
  ...weightAndBias(`${resnet}.conv1`, [outChannels, inChannels, 3, 3]),
  ...weightAndBias(`${resnet}.time_emb_proj`, [
    config.resnet_time_scale_shift === "scale_shift" ? 2 * outChannels : outChannels,
    embedding,
  ]),
  ...norm(`${resnet}.norm2`, outChannels),
  ...weightAndBias(`${resnet}.conv2`, [outChannels, outChannels, 3, 3], "zero-weight"),
  ...(inChannels === outChannels ? [] : weightAndBias(`${resnet}.conv_shortcut`, [outChannels, inChannels, 1, 1])),
];

const attention = (name: string, channels: number, hasNorm: boolean): Parameter[] => [
  ...(hasNorm ? norm(`${name}.group_norm`, channels) : []),
  ...["to_q", "to_k", "to_v"].flatMap((part) => weightAndBias(`${name}.${part}`, [channels, channels])),
  ...weightAndBias(`${name}.to_out.0`, [channels, channels], "zero-weight"),
];

/** Lists every tensor of a U-Net, by diffusers' names and shapes. */
export const unetParameters = (
  config: UNetConfig,
  architecture: Architecture = architectureOf(config),
): Parameter[] => {
  const { down, mid, up, timeEmbedding } = architecture;
  const width = config.block_out_channels[0];
  const layer = (at: Layer) => [
    ...residual(at, config, timeEmbedding),
    ...(at.attention ? attention(at.attention, at.outChannels, at.attentionGroups !== null) : []),
  ];
  return [
    ...weightAndBias("conv_in", [width, config.in_channels, 3, 3]),
    ...weightAndBias("time_embedding.linear_1", [timeEmbedding, width]),
    ...weightAndBias("time_embedding.linear_2", [timeEmbedding, timeEmbedding]),
    ...(config.num_class_embeds === null ? [] : [
      {
        name: "class_embedding.weight",
        shape: [config.num_class_embeds, timeEmbedding],
        kind: "embedding",
      } satisfies Parameter,
    ]),
    ...[...down, ...up].flatMap(({ layers, resample, channels }) => [
      ...layers.flatMap(layer),
      ...(resample ? weightAndBias(resample, [channels, channels, 3, 3]) : []),
    ]),
    ...mid.flatMap(layer),
    ...norm("conv_norm_out", width),
    ...weightAndBias("conv_out", [config.out_channels, width, 3, 3], "zero-weight"),
  ];
};
