import { type Architecture, architectureOf, type Layer } from "./architecture.ts";
import type { UNetConfig } from "./config.ts";

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
