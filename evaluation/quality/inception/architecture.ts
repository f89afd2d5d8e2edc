/**
 * The InceptionV3 that FID is measured with: that of TensorFlow's file of 2015-12-05, as pytorch-fid and torch-fidelity
 * rebuild it. It differs from torchvision's in its pooling: averages leave the padding out, the last block takes the
 * maximum in its pooling branch, and there are 1008 classes.
 */

/** One convolution with its batch normalization and ReLU. */
export interface InceptionConv {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Height and width of the window. */
  readonly window: readonly [number, number];
  readonly strides: 1 | 2;
  /** `same` pads such that the image keeps its size. */
  readonly pad: "same" | "valid";
}

/** A pooling of 3×3 windows, which leaves out what lies outside the image. */
export interface Pool {
  readonly pool: "average" | "maximum";
  readonly strides: 1 | 2;
}

/** What runs on one input: layers one after the other, the last of which may fork into parts that are joined. */
export type Layers = readonly (InceptionConv | Pool | Branches)[];

/** Layers side by side on one input, whose outputs are joined along the channels. */
export interface Branches {
  readonly branches: readonly Layers[];
}

interface ConvOptions {
  readonly window?: readonly [number, number];
  readonly strides?: 1 | 2;
  readonly pad?: "same" | "valid";
}

const conv = (
  name: string,
  from: number,
  to: number,
  { window = [1, 1], strides = 1, pad = strides === 2 ? "valid" : "same" }: ConvOptions = {},
): InceptionConv => ({ name, from, to, window, strides, pad });

/** Convolutions one after the other: each by name, outputs and options. */
const chain = (
  block: string,
  from: number,
  ...steps: readonly (readonly [name: string, to: number, options?: ConvOptions])[]
): InceptionConv[] =>
  steps.map(([name, to, options], i) => conv(`${block}.${name}`, i === 0 ? from : steps[i - 1][1], to, options));

const SQUARE = { window: [3, 3] } as const;
const DOWN = { window: [3, 3], strides: 2 } as const;
const WIDE = { window: [1, 7] } as const, TALL = { window: [7, 1] } as const;

const averaged = (block: string, from: number, to: number): Layers => [
  { pool: "average", strides: 1 },
  conv(`${block}.branch_pool`, from, to),
];

const blockA = (name: string, from: number, pooled: number): Branches => ({
  branches: [
    chain(name, from, ["branch1x1", 64]),
    chain(name, from, ["branch5x5_1", 48], ["branch5x5_2", 64, { window: [5, 5] }]),
    chain(name, from, ["branch3x3dbl_1", 64], ["branch3x3dbl_2", 96, SQUARE], ["branch3x3dbl_3", 96, SQUARE]),
    averaged(name, from, pooled),
  ],
});

const blockB = (name: string, from: number): Branches => ({
  branches: [
    chain(name, from, ["branch3x3", 384, DOWN]),
    chain(name, from, ["branch3x3dbl_1", 64], ["branch3x3dbl_2", 96, SQUARE], ["branch3x3dbl_3", 96, DOWN]),
    [{ pool: "maximum", strides: 2 }],
  ],
});

const blockC = (name: string, from: number, inner: number): Branches => ({
  branches: [
    chain(name, from, ["branch1x1", 192]),
    chain(name, from, ["branch7x7_1", inner], ["branch7x7_2", inner, WIDE], ["branch7x7_3", 192, TALL]),
    chain(
      name,
      from,
      ["branch7x7dbl_1", inner],
      ["branch7x7dbl_2", inner, TALL],
      ["branch7x7dbl_3", inner, WIDE],
      ["branch7x7dbl_4", inner, TALL],
      ["branch7x7dbl_5", 192, WIDE],
    ),
    averaged(name, from, 192),
  ],
});

const blockD = (name: string, from: number): Branches => ({
  branches: [
    chain(name, from, ["branch3x3_1", 192], ["branch3x3_2", 320, DOWN]),
    chain(
      name,
      from,
      ["branch7x7x3_1", 192],
      ["branch7x7x3_2", 192, WIDE],
      ["branch7x7x3_3", 192, TALL],
      ["branch7x7x3_4", 192, DOWN],
    ),
    [{ pool: "maximum", strides: 2 }],
  ],
});

const forked = (name: string): Branches => ({
  branches: [
    [conv(`${name}a`, 384, 384, { window: [1, 3] })],
    [conv(`${name}b`, 384, 384, { window: [3, 1] })],
  ],
});

const blockE = (name: string, from: number, pool: Pool["pool"]): Branches => ({
  branches: [
    chain(name, from, ["branch1x1", 320]),
    [...chain(name, from, ["branch3x3_1", 384]), forked(`${name}.branch3x3_2`)],
    [
      ...chain(name, from, ["branch3x3dbl_1", 448], ["branch3x3dbl_2", 384, SQUARE]),
      forked(`${name}.branch3x3dbl_3`),
    ],
    [{ pool, strides: 1 }, conv(`${name}.branch_pool`, from, 192)],
  ],
});

/** Side of the images that the network takes, in pixels. */
export const INCEPTION_SIDE = 299;

/** Features of an image: the average of the last block's outputs over its 8×8 places. */
export const INCEPTION_FEATURES = 2048;

/** Classes of TensorFlow's file of 2015. */
export const INCEPTION_CLASSES = 1008;

/** All layers up to the last average. */
export const INCEPTION: Layers = [
  conv("Conv2d_1a_3x3", 3, 32, DOWN),
  conv("Conv2d_2a_3x3", 32, 32, { window: [3, 3], pad: "valid" }),
  conv("Conv2d_2b_3x3", 32, 64, SQUARE),
  { pool: "maximum", strides: 2 },
  conv("Conv2d_3b_1x1", 64, 80),
  conv("Conv2d_4a_3x3", 80, 192, { window: [3, 3], pad: "valid" }),
  { pool: "maximum", strides: 2 },
  blockA("Mixed_5b", 192, 32),
  blockA("Mixed_5c", 256, 64),
  blockA("Mixed_5d", 288, 64),
  blockB("Mixed_6a", 288),
  blockC("Mixed_6b", 768, 128),
  blockC("Mixed_6c", 768, 160),
  blockC("Mixed_6d", 768, 160),
  blockC("Mixed_6e", 768, 192),
  blockD("Mixed_7a", 768),
  blockE("Mixed_7b", 1280, "average"),
  blockE("Mixed_7c", 2048, "maximum"),
];

/** The convolutions of layers, in order. */
export const convolutionsIn = (layers: Layers): InceptionConv[] =>
  layers.flatMap((layer) => {
    if ("branches" in layer) return layer.branches.flatMap(convolutionsIn);
    return "pool" in layer ? [] : [layer];
  });

/** One tensor of the weights, in PyTorch's layout. */
export interface InceptionTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What batch normalization keeps of each channel. */
const NORMALIZATION = ["weight", "bias", "running_mean", "running_var"] as const;

/** Every tensor of the weights, by the names of the commonly used file. */
export const inceptionTensors = (): InceptionTensor[] => [
  ...convolutionsIn(INCEPTION).flatMap(({ name, from, to, window }) => [
    { name: `${name}.conv.weight`, shape: [to, from, ...window] },
    ...NORMALIZATION.map((part) => ({ name: `${name}.bn.${part}`, shape: [to] })),
  ]),
  { name: "fc.weight", shape: [INCEPTION_CLASSES, INCEPTION_FEATURES] },
  { name: "fc.bias", shape: [INCEPTION_CLASSES] },
];
