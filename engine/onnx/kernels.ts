import * as tf from "@tensorflow/tfjs-core";
import type { ElementType, NodeAttribute } from "./encode.ts";
import { type HostValues, plainOrder } from "../order.ts";
import { ANY_ROWS, NCHW, type OnnxGraph, type Value } from "./graph.ts";

/** What records an operation of tfjs. Its inputs are in the order in which tfjs names them. */
export type RecordOperation = (
  graph: OnnxGraph,
  inputs: readonly Value[],
  attributes: Readonly<Record<string, unknown>>,
) => Value | Value[];

const floats = (values: number[]): HostValues => Float32Array.from(values);

/** A number of the same type as `like`, which is a float. */
const scalar = (graph: OnnxGraph, value: number, like: Value): Value =>
  graph.cast(graph.constant(floats([value]), [], "float32"), like.type);

/** In the place of an input that an operator can do without. */
const ABSENT: Value = { name: "", shape: [], order: [], type: "float32" };

/** What operands are computed in together. */
const commonType = (operands: readonly Value[]): ElementType =>
  operands.some(({ type }) => type === "float16") ? "float16" : operands[0].type;

const isConstant = ({ constant }: Value): boolean => constant !== undefined;

/** The operand whose order in memory an elementwise operation keeps: the largest, and of those one that is not plain. */
const leaderOf = (operands: readonly Value[], rank: number): Value =>
  operands.filter(({ shape }) => shape.length === rank).toSorted((a, b) =>
    tf.util.sizeFromShape([...b.shape]) - tf.util.sizeFromShape([...a.shape]) ||
    Number(isConstant(a)) - Number(isConstant(b)) ||
    b.order.join().localeCompare(a.order.join())
  )[0];

/** Elementwise operations over operands that are broadcast to each other. */
const broadcasting = (
  graph: OnnxGraph,
  operator: string,
  operands: readonly Value[],
  { type, attributes }: { type?: ElementType; attributes?: Record<string, NodeAttribute> } = {},
): Value => {
  const shape = operands.map(({ shape }) => [...shape]).reduce((a, b) =>
    tf.broadcast_util.assertAndGetBroadcastShape(a, b)
  );
  const leader = leaderOf(operands, shape.length);
  const order = leader.order;
  const isHalf = commonType(operands) === "float16";
  const aligned = operands.map((operand) => {
    const typed = isHalf && operand.type === "float32" ? graph.cast(operand, "float16") : operand;
    if (typed.shape.length === 0) return typed;
    const padded = [...Array(shape.length - typed.shape.length).fill(1), ...typed.shape];
    return graph.inOrder(graph.reshape(typed, padded), order);
  });
  return graph.node(operator, aligned, { shape, order, type: type ?? aligned[aligned.length - 1].type }, attributes);
};

const unary = (operator: string): RecordOperation => (graph, [x]) => graph.node(operator, [x], x);
const binary = (operator: string, type?: ElementType): RecordOperation => (graph, inputs) =>
  broadcasting(graph, operator, inputs, { type });

const square = (graph: OnnxGraph, x: Value): Value => graph.node("Mul", [x, x], x);

/** Reductions over axes of the shape. */
const reduction = (operator: string): RecordOperation => (graph, [x], { axis, reductionIndices, keepDims }) => {
  const axes = tf.util.parseAxisParam((axis ?? reductionIndices) as number[], [...x.shape]);
  return reduce(graph, operator, x, axes, Boolean(keepDims));
};

const reduce = (graph: OnnxGraph, operator: string, x: Value, axes: readonly number[], keepDims: boolean): Value => {
  const places = axes.map((axis) => x.order.indexOf(axis)).toSorted((a, b) => a - b);
  const kept = plainOrder(x.shape.length).filter((axis) => !axes.includes(axis));
  const output = keepDims ? { ...x, shape: x.shape.map((size, axis) => axes.includes(axis) ? 1 : size) } : {
    ...x,
    shape: kept.map((axis) => x.shape[axis]),
    order: x.order.filter((axis) => !axes.includes(axis)).map((axis) => kept.indexOf(axis)),
  };
  return graph.node(operator, [x, graph.integers(places)], output, { keepdims: Number(keepDims) });
};

/** Both axes of the last two, the last first. */
const turned = (rank: number): number[] => [...plainOrder(rank - 2), rank - 1, rank - 2];

/** Terms that the runtime adds up in one go; of more, how it cuts them depends on how it divides the columns. */
const TERMS_AT_ONCE = 128;

const matMul: RecordOperation = (graph, [a, b], { transposeA, transposeB }) => {
  const type = commonType([a, b]);
  const left = graph.plain(graph.cast(transposeA ? graph.transpose(a, turned(a.shape.length)) : a, type));
  const right = graph.plain(graph.cast(transposeB ? graph.transpose(b, turned(b.shape.length)) : b, type));
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const [rows, inner] = left.shape.slice(-2);
  const multiply = (left: Value, right: Value): Value => {
    const shape = [...outer, left.shape.at(-2)!, right.shape.at(-1)!];
    return graph.node("MatMul", [left, right], { shape, order: plainOrder(shape.length), type });
  };
  // Where the runtime does not know the right side beforehand, its routine, and so a product's bits, depend on more than
  // the product: on whether a row is alone, which one is then not, …
  if (isConstant(right)) return multiply(left, right);
  if (outer.length === 0 && (rows === 1 || rows === ANY_ROWS)) {
    const spare = graph.constant(new Float32Array(inner), [1, inner], "float32");
    const longer = graph.node("Concat", [left, graph.cast(spare, type)], left, { axis: 0 });
    const product = multiply(longer, right);
    const shape = product.shape.with(0, rows);
    return graph.node("Slice", [product, ...[0, -1, 0].map((n) => graph.integers([n]))], { ...product, shape });
  }
  // … and, of many matrices, on how many share the threads: these divide rows, unless there are more columns.
  const columns = right.shape.at(-1)!;
  if (outer.length === 0 || columns <= rows || inner <= TERMS_AT_ONCE) return multiply(left, right);
  const sizes = Array.from({ length: Math.ceil(columns / rows) }, (_, i) => Math.min(rows, columns - i * rows));
  const parts = splitV(graph, [right], { numOrSizeSplits: sizes, axis: -1 }) as Value[];
  return concat(graph, parts.map((part) => multiply(left, part)), { axis: -1 });
};

type Image = [number, number, number, number];

const refuseLayout = (what: string, dataFormat: unknown): void => {
  if (dataFormat !== undefined && dataFormat !== "NHWC") {
    throw new RangeError(`Cannot record ${what}: dataFormat must be NHWC, received ${dataFormat}`);
  }
};

/** Filters as ONNX has them, [out, in, height, width], of a shape that is [height, width, in, out]. */
const OIHW = [3, 2, 0, 1];

const sides = ({ top, left, bottom, right }: tf.backend_util.PadInfo): number[] => [top, left, bottom, right];

const ACTIVATIONS: Readonly<Record<string, string | null>> = { linear: null, relu: "Relu", sigmoid: "Sigmoid" };

const convolution: RecordOperation = (graph, [x, filter, bias], attributes) => {
  const { strides, pad, dilations, dimRoundingMode, dataFormat, activation = "linear" } = attributes;
  refuseLayout("a convolution", dataFormat);
  const info = tf.backend_util.computeConv2DInfo(
    [...x.shape] as Image,
    [...filter.shape] as Image,
    strides as number,
    dilations as number,
    pad as number,
    dimRoundingMode as "floor",
  );
  if (!(activation as string in ACTIVATIONS)) throw new RangeError(`Cannot record the activation ${activation}`);
  const type = commonType([x, filter]);
  const image = graph.inOrder(graph.cast(x, type), NCHW), weight = graph.inOrder(graph.cast(filter, type), OIHW);
  const inputs = [image, weight, ...(bias ? [graph.cast(bias, type)] : [])];
  const output = { shape: info.outShape, order: NCHW, type };
  const convolved = graph.node("Conv", inputs, output, {
    dilations: [info.dilationHeight, info.dilationWidth],
    kernel_shape: [info.filterHeight, info.filterWidth],
    pads: sides(info.padInfo),
    strides: [info.strideHeight, info.strideWidth],
  });
  const operator = ACTIVATIONS[activation as string];
  return operator === null ? convolved : graph.node(operator, [convolved], output);
};

/** Of a convolution by its input: the transposed convolution. */
const convolutionBackpropInput: RecordOperation = (graph, [dy, filter], attributes) => {
  const { strides, pad, dataFormat, dimRoundingMode, inputShape } = attributes;
  refuseLayout("a convolution's gradient", dataFormat);
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as Image,
    [...filter.shape] as Image,
    strides as number,
    1,
    pad as number,
    dimRoundingMode as "floor",
  );
  const { top, bottom, left, right } = info.padInfo;
  const missing = (size: number, out: number, stride: number, kernel: number, padding: number) =>
    size - (stride * (out - 1) + kernel - padding);
  return graph.node(
    "ConvTranspose",
    [graph.inOrder(dy, NCHW), graph.inOrder(filter, OIHW)],
    { shape: info.inShape, order: NCHW, type: dy.type },
    {
      kernel_shape: [info.filterHeight, info.filterWidth],
      output_padding: [
        missing(info.inHeight, info.outHeight, info.strideHeight, info.filterHeight, top + bottom),
        missing(info.inWidth, info.outWidth, info.strideWidth, info.filterWidth, left + right),
      ],
      pads: sides(info.padInfo),
      strides: [info.strideHeight, info.strideWidth],
    },
  );
};

/** Of a convolution by its filter: x convolved by dy, the images being the channels. */
const convolutionBackpropFilter: RecordOperation = (graph, [x, dy], attributes) => {
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attributes;
  refuseLayout("a convolution's gradient", dataFormat);
  const shape = filterShape as Image;
  const info = tf.backend_util.computeConv2DInfo(
    [...x.shape] as Image,
    shape,
    strides as number,
    1,
    pad as number,
    dimRoundingMode as "floor",
  );
  const byChannel = [3, 0, 1, 2];
  // Rows and columns of the input behind the last whole stride are seen by no tap: they make taps that are not there.
  const { top, bottom, left, right } = info.padInfo;
  const taps = (size: number, padding: number, out: number, stride: number) => size + padding - stride * (out - 1);
  const height = taps(info.inHeight, top + bottom, info.outHeight, info.strideHeight);
  const width = taps(info.inWidth, left + right, info.outWidth, info.strideWidth);
  const output = { shape: [height, width, shape[2], shape[3]], order: [2, 3, 0, 1], type: x.type };
  const convolved = graph.node("Conv", [graph.inOrder(x, byChannel), graph.inOrder(dy, byChannel)], output, {
    dilations: [info.strideHeight, info.strideWidth],
    kernel_shape: [info.outHeight, info.outWidth],
    pads: sides(info.padInfo),
  });
  return slice(graph, [convolved], { begin: [0, 0, 0, 0], size: shape });
};

const pooling = (operator: string): RecordOperation => (graph, [x], { filterSize, strides, pad, dimRoundingMode }) => {
  const info = tf.backend_util.computePool2DInfo(
    [...x.shape] as Image,
    filterSize as number,
    strides as number,
    1,
    pad as number,
    dimRoundingMode as "floor",
  );
  return graph.node(operator, [graph.inOrder(x, NCHW)], { shape: info.outShape, order: NCHW, type: x.type }, {
    kernel_shape: [info.filterHeight, info.filterWidth],
    pads: sides(info.padInfo),
    strides: [info.strideHeight, info.strideWidth],
  });
};

const concat: RecordOperation = (graph, inputs, attributes) => {
  const [axis] = tf.util.parseAxisParam(attributes.axis as number, [...inputs[0].shape]);
  const full = inputs.filter(({ shape }) => shape[axis] > 0);
  if (full.length === 0) return inputs[0];
  const shape = inputs[0].shape.with(axis, inputs.reduce((sum, { shape }) => sum + shape[axis], 0));
  const { order, type } = leaderOf(full, shape.length);
  const parts = full.map((part) => graph.inOrder(graph.cast(part, type), order));
  return graph.node("Concat", parts, { shape, order, type }, { axis: order.indexOf(axis) });
};

const splitV: RecordOperation = (graph, [x], attributes) => {
  const [axis] = tf.util.parseAxisParam(attributes.axis as number, [...x.shape]);
  const parts = { shape: [...x.shape] } as tf.Tensor;
  const sizes = tf.backend_util.prepareSplitSize(parts, attributes.numOrSizeSplits as number[], axis);
  const outputs = sizes.map((size) => ({ ...x, shape: x.shape.with(axis, size) }));
  return graph.nodes("Split", [x, graph.integers(sizes)], { axis: x.order.indexOf(axis) }, outputs);
};

const slice: RecordOperation = (graph, [x], attributes) => {
  const { begin, size } = attributes as { begin: number[]; size: number[] };
  const [starts, sizes] = tf.slice_util.parseSliceParams({ shape: [...x.shape] } as tf.Tensor, begin, size);
  const cut = plainOrder(x.shape.length).filter((axis) => sizes[axis] !== x.shape[axis]);
  if (cut.length === 0) return x;
  const inputs = [
    x,
    graph.integers(cut.map((axis) => starts[axis])),
    graph.integers(cut.map((axis) => starts[axis] + sizes[axis])),
    graph.integers(cut.map((axis) => x.order.indexOf(axis))),
  ];
  return graph.node("Slice", inputs, { ...x, shape: sizes });
};

const tile: RecordOperation = (graph, [x], attributes) => {
  const reps = attributes.reps as number[];
  const shape = x.shape.map((size, axis) => size * reps[axis]);
  return graph.node("Tile", [x, graph.integers(x.order.map((axis) => reps[axis]))], { ...x, shape });
};

const pad: RecordOperation = (graph, [x], attributes) => {
  const { paddings, constantValue } = attributes as { paddings: [number, number][]; constantValue: number };
  const shape = x.shape.map((size, axis) => paddings[axis][0] + size + paddings[axis][1]);
  const sides = [0, 1].flatMap((side) => x.order.map((axis) => paddings[axis][side]));
  return graph.node("Pad", [x, graph.integers(sides), scalar(graph, constantValue, x)], { ...x, shape });
};

const gather: RecordOperation = (graph, [x, indices], attributes) => {
  const [axis] = tf.util.parseAxisParam((attributes.axis ?? 0) as number, [...x.shape]);
  if (attributes.batchDims) throw new RangeError(`Cannot record a gather: batchDims must be 0`);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const output = { shape, order: plainOrder(shape.length), type: x.type };
  return graph.node("Gather", [graph.plain(x), graph.plain(indices)], output, { axis });
};

/** As many of one number as `like` has elements. */
const filled = (graph: OnnxGraph, value: number, like: Value): Value => {
  const rank = like.shape.length;
  const shape = graph.node("Shape", [like], { shape: [rank], order: [0], type: "int64" });
  return graph.node("Expand", [scalar(graph, value, like), shape], like);
};

const stack: RecordOperation = (graph, inputs, { axis }) => {
  const at = axis as number;
  const parts = inputs.map((x) => graph.reshape(x, x.shape.toSpliced(at, 0, 1)));
  return concat(graph, parts, { axis: at });
};

const unstack: RecordOperation = (graph, [x], attributes) => {
  const [axis] = tf.util.parseAxisParam(attributes.axis as number, [...x.shape]);
  const parts = splitV(graph, [x], { axis, numOrSizeSplits: Array(x.shape[axis]).fill(1) }) as Value[];
  return parts.map((part) => graph.reshape(part, x.shape.toSpliced(axis, 1)));
};

const reverse: RecordOperation = (graph, [x], { dims }) => {
  const axes = tf.util.parseAxisParam(dims as number[], [...x.shape]);
  const inputs = [
    x,
    graph.integers(axes.map(() => -1)),
    graph.integers(axes.map((axis) => -1 - x.shape[axis])),
    graph.integers(axes.map((axis) => x.order.indexOf(axis))),
    graph.integers(axes.map(() => -1)),
  ];
  return graph.node("Slice", inputs, x);
};

const TYPES: Readonly<Record<string, ElementType>> = { float32: "float32", int32: "int32", bool: "bool" };

/** tfjs's names of types are ONNX's. @throws {RangeError} for a type that has none here */
export const elementTypeOf = (dtype: string): ElementType => {
  const type = TYPES[dtype];
  if (type !== undefined) return type;
  throw new RangeError(`dtype must be one of ${Object.keys(TYPES).join(", ")} on onnx, received ${dtype}`);
};

/** What tfjs takes a tensor of the graph for: it knows neither float16 nor int64. */
export const dtypeOf = (type: ElementType): tf.DataType => {
  switch (type) {
    case "float16":
      return "float32";
    case "int64":
      return "int32";
    default:
      return type;
  }
};

/**
 * Group normalization by the operator for instances, each group being one. γ and β, which are of channels, are applied by
 * the operator for batches, of mean 0 and variance 1: in one pass over the memory, where Mul and Add take two.
 */
const groupNorm: RecordOperation = (graph, [x, scale, shift], attributes) => {
  const { groups, eps } = attributes as { groups: number; eps: number };
  const [batch, height, width, channels] = x.shape;
  const inside = graph.inOrder(x, NCHW);
  const grouped = { shape: [batch, groups, channels / groups * height * width], order: [0, 1, 2], type: x.type };
  const asGroups = graph.reshape(graph.transpose(inside, NCHW), grouped.shape);
  const ones = graph.constant(new Float32Array(groups).fill(1), [groups], "float32");
  const zeros = graph.constant(new Float32Array(groups), [groups], "float32");
  const normed = graph.node(
    "InstanceNormalization",
    [asGroups, graph.cast(ones, x.type), graph.cast(zeros, x.type)],
    grouped,
    { epsilon: { float: eps } },
  );
  const outside = graph.transpose(graph.reshape(normed, [batch, channels, height, width]), [0, 2, 3, 1]);
  if (!isConstant(scale) || !isConstant(shift)) {
    return broadcasting(graph, "Add", [broadcasting(graph, "Mul", [outside, scale]), shift]);
  }
  const type = commonType([outside, scale, shift]);
  const [mean, variance] = [0, 1].map((value) =>
    graph.constant(new Float32Array(channels).fill(value), [channels], "float32")
  );
  const inputs = [outside, scale, shift, mean, variance].map((input) => graph.cast(input, type));
  return graph.node("BatchNormalization", inputs, { ...outside, type }, { epsilon: { float: 0 } });
};

/** Images with each pixel repeated, so many times along each side. */
const repeatPixels = (graph: OnnxGraph, x: Value, [down, across]: readonly number[]): Value => {
  const [batch, height, width, channels] = x.shape;
  // Neither a region nor sizes: the scales alone say it.
  const scales = graph.constant(floats([1, 1, down, across]), [4], "float32");
  const output = { shape: [batch, down * height, across * width, channels], order: NCHW, type: x.type };
  return graph.node("Resize", [graph.inOrder(x, NCHW), ABSENT, scales], output, {
    coordinate_transformation_mode: "asymmetric",
    mode: "nearest",
    nearest_mode: "floor",
  });
};

const resizeNearest: RecordOperation = (graph, [x], attributes) => {
  const { size, alignCorners, halfPixelCenters } = attributes as { size: number[] } & Record<string, unknown>;
  const times = size.map((pixels, i) => pixels / x.shape[i + 1]);
  if (alignCorners || halfPixelCenters || !times.every(Number.isInteger)) {
    const wanted = `size must be multiples of [${x.shape.slice(1, 3)}], alignCorners and halfPixelCenters false`;
    throw new RangeError(`Cannot record a resize: ${wanted}; received ${JSON.stringify(attributes)}`);
  }
  return repeatPixels(graph, x, times);
};

const oneHot: RecordOperation = (graph, [indices], attributes) => {
  const { depth, onValue, offValue, dtype } = attributes as Record<string, number> & { dtype: string };
  const classes = graph.constant(Int32Array.from(plainOrder(depth)), [depth], "int32");
  const isHot = broadcasting(graph, "Equal", [graph.reshape(indices, [...indices.shape, 1]), classes], {
    type: "bool",
  });
  const values = [onValue, offValue].map((value) => graph.constant(floats([value]), [], "float32"));
  return graph.cast(broadcasting(graph, "Where", [isHot, ...values]), elementTypeOf(dtype));
};

const fill: RecordOperation = (graph, _inputs, attributes) => {
  const { shape, value, dtype } = attributes as { shape: number[]; value: number; dtype?: string };
  const values = new Float32Array(tf.util.sizeFromShape(shape)).fill(value);
  return graph.cast(graph.constant(values, shape, "float32"), elementTypeOf(dtype ?? "float32"));
};

/** How each operation of tfjs is recorded, by its kernel's name. */
export const RECORDERS: Readonly<Record<string, RecordOperation>> = {
  [tf.Abs]: unary("Abs"),
  [tf.Add]: binary("Add"),
  [tf.AddN]: (graph, inputs) => broadcasting(graph, "Sum", inputs),
  [tf.AvgPool]: pooling("AveragePool"),
  [tf.BatchMatMul]: matMul,
  [tf.Cast]: (graph, [x], { dtype }) => graph.cast(x, elementTypeOf(dtype as string)),
  [tf.ClipByValue]: (graph, [x], { clipValueMin, clipValueMax }) => {
    const limits = [clipValueMin, clipValueMax].map((limit) => scalar(graph, limit as number, x));
    return graph.node("Clip", [x, ...limits], x);
  },
  [tf.Concat]: concat,
  [tf.Conv2D]: convolution,
  [tf.Conv2DBackpropFilter]: convolutionBackpropFilter,
  [tf.Conv2DBackpropInput]: convolutionBackpropInput,
  [tf.Cos]: unary("Cos"),
  [tf.Cumsum]: (graph, [x], { axis, exclusive, reverse }) =>
    graph.node("CumSum", [x, graph.integers([x.order.indexOf(axis as number)])], x, {
      exclusive: Number(exclusive),
      reverse: Number(reverse),
    }),
  [tf.Equal]: binary("Equal", "bool"),
  [tf.Erf]: unary("Erf"),
  [tf.Exp]: unary("Exp"),
  [tf.ExpandDims]: (graph, [x], { dim }) => {
    const at = dim as number < 0 ? x.shape.length + (dim as number) + 1 : dim as number;
    return graph.reshape(x, x.shape.toSpliced(at, 0, 1));
  },
  [tf.Fill]: fill,
  [tf.FusedConv2D]: convolution,
  [tf.GatherV2]: gather,
  [tf.Greater]: binary("Greater", "bool"),
  [tf.GreaterEqual]: binary("GreaterOrEqual", "bool"),
  [tf.Identity]: (_graph, [x]) => x,
  [tf.Less]: binary("Less", "bool"),
  [tf.LessEqual]: binary("LessOrEqual", "bool"),
  [tf.Log]: unary("Log"),
  [tf.LogicalAnd]: binary("And", "bool"),
  [tf.Max]: reduction("ReduceMax"),
  [tf.MaxPool]: pooling("MaxPool"),
  [tf.Maximum]: binary("Max"),
  [tf.Mean]: reduction("ReduceMean"),
  [tf.Minimum]: binary("Min"),
  [tf.Multiply]: binary("Mul"),
  [tf.Neg]: unary("Neg"),
  [tf.OneHot]: oneHot,
  [tf.OnesLike]: (graph, [x]) => filled(graph, 1, x),
  [tf.Pack]: stack,
  [tf.PadV2]: pad,
  [tf.Pow]: binary("Pow"),
  [tf.Prod]: reduction("ReduceProd"),
  [tf.RealDiv]: binary("Div"),
  [tf.Relu]: unary("Relu"),
  [tf.Reshape]: (graph, [x], { shape }) =>
    graph.reshape(x, tf.util.inferFromImplicitShape([...shape as number[]], tf.util.sizeFromShape([...x.shape]))),
  [tf.ResizeNearestNeighbor]: resizeNearest,
  [tf.Reverse]: reverse,
  [tf.Rsqrt]: (graph, [x]) => graph.node("Reciprocal", [graph.node("Sqrt", [x], x)], x),
  [tf.Select]: (graph, inputs) => broadcasting(graph, "Where", inputs),
  [tf.Sigmoid]: unary("Sigmoid"),
  [tf.Sin]: unary("Sin"),
  [tf.Slice]: slice,
  [tf.Softmax]: (graph, [x], { dim }) => {
    const [axis] = tf.util.parseAxisParam(dim as number, [...x.shape]);
    return graph.node("Softmax", [x], x, { axis: x.order.indexOf(axis) });
  },
  [tf.SplitV]: splitV,
  [tf.Sqrt]: unary("Sqrt"),
  [tf.Square]: (graph, [x]) => square(graph, x),
  [tf.SquaredDifference]: (graph, inputs) => square(graph, broadcasting(graph, "Sub", inputs)),
  [tf.Sub]: binary("Sub"),
  [tf.Sum]: reduction("ReduceSum"),
  [tf.Tanh]: unary("Tanh"),
  [tf.Tile]: tile,
  [tf.Transpose]: (graph, [x], { perm }) => graph.transpose(x, perm as number[]),
  [tf.Unpack]: unstack,
  [tf.ZerosLike]: (graph, [x]) => filled(graph, 0, x),
  GroupNorm: groupNorm,
  UpsampleNearest: (graph, [x]) => repeatPixels(graph, x, [2, 2]),
};
