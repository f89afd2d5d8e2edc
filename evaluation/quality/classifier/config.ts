import { z } from "zod";

/** Side of every convolution's window, in pixels. */
export const WINDOW = 3;

const extent = z.int().min(1).max(4096);

/** What `config.json` says of a classifier. */
export const classifierConfig = z.strictObject({
  kind: z.literal("classifier"),
  height: extent,
  width: extent,
  /** 1: gray, 3: RGB. */
  channels: z.union([z.literal(1), z.literal(3)]),
  /** Channels of each level; from one to the next, height and width halve. */
  widths: z.array(z.int().min(1).max(4096)).min(1).max(8),
  /** Outputs of the layer before the last. */
  features: z.int().min(1).max(4096),
  /** Names of the classes, by index. */
  classNames: z.array(z.string()).min(2),
});

/** The shape of a classifier. */
export type ClassifierConfig = z.output<typeof classifierConfig>;

/** One parameter: its name, and its shape in PyTorch's layout. */
export interface ClassifierParameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A convolution of the network, in the order in which they run. */
export interface ClassifierConv {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly strides: 1 | 2;
}

/** The convolutions: one at full size, then two a level, of which the first halves height and width. */
export const convolutionsOf = ({ channels, widths }: ClassifierConfig): ClassifierConv[] => [
  { name: "stem", from: channels, to: widths[0], strides: 1 },
  ...widths.slice(1).flatMap((to, i): ClassifierConv[] => [
    { name: `levels.${i}.down`, from: widths[i], to, strides: 2 },
    { name: `levels.${i}.conv`, from: to, to, strides: 1 },
  ]),
];

/** Values that are left of an image after the last convolution. */
export const flatSize = ({ height, width, widths }: ClassifierConfig): number => {
  const halved = (side: number) => Math.ceil(side / 2 ** (widths.length - 1));
  return halved(height) * halved(width) * widths[widths.length - 1];
};

/** Every parameter of a classifier; weights are OIHW and [out, in]. */
export const classifierParameters = (config: ClassifierConfig): ClassifierParameter[] => {
  const layers = [
    ...convolutionsOf(config).map(({ name, from, to }) => ({ name, shape: [to, from, WINDOW, WINDOW] })),
    { name: "features", shape: [config.features, flatSize(config)] },
    { name: "classes", shape: [config.classNames.length, config.features] },
  ];
  return layers.flatMap(({ name, shape }) => [
    { name: `${name}.weight`, shape },
    { name: `${name}.bias`, shape: [shape[0]] },
  ]);
};
