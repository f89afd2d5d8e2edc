import * as tf from "@tensorflow/tfjs-core";

/** A function of float32 tensors, and the shapes of what it takes. */
export interface Operation {
  shapes: number[][];
  compute: (...inputs: tf.Tensor[]) => tf.Tensor;
}

const of = (shapes: number[][], compute: Operation["compute"]): Operation => ({ shapes, compute });
const positive = (x: tf.Tensor) => tf.add(tf.square(x), 0.5);
const side: [number, number] = [1, 1];
/** The convolution that the network is written with; tf.conv2d itself has no gradient here. */
const fusedConv2d = (x: tf.Tensor, filter: tf.Tensor, strides: number, pad: number | tf.backend_util.ExplicitPadding) =>
  tf.fused.conv2d({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, strides, pad });

/** Every kind of operation that the U-Net and its training use, and their neighbours. */
export const OPERATIONS: Record<string, Operation> = {
  add: of([[2, 3], [3]], (a, b) => tf.add(a, b)),
  sub: of([[2, 3], [2, 1]], (a, b) => tf.sub(a, b)),
  mul: of([[2, 3], []], (a, b) => tf.mul(a, b)),
  div: of([[2, 3], [2, 3]], (a, b) => tf.div(a, positive(b))),
  pow: of([[2, 3]], (a) => tf.pow(positive(a), 1.5)),
  maximum: of([[2, 3], [2, 3]], (a, b) => tf.maximum(a, b)),
  minimum: of([[2, 3], [2, 3]], (a, b) => tf.minimum(a, b)),
  neg: of([[7]], (a) => tf.neg(a)),
  abs: of([[7]], (a) => tf.abs(a)),
  square: of([[7]], (a) => tf.square(a)),
  sqrt: of([[7]], (a) => tf.sqrt(positive(a))),
  rsqrt: of([[7]], (a) => tf.rsqrt(positive(a))),
  exp: of([[7]], (a) => tf.exp(a)),
  log: of([[7]], (a) => tf.log(positive(a))),
  sin: of([[7]], (a) => tf.sin(a)),
  cos: of([[7]], (a) => tf.cos(a)),
  tanh: of([[7]], (a) => tf.tanh(a)),
  sigmoid: of([[7]], (a) => tf.sigmoid(a)),
  relu: of([[7]], (a) => tf.relu(a)),
  clipByValue: of([[7]], (a) => tf.clipByValue(a, -0.5, 0.5)),
  softmax: of([[2, 5]], (a) => tf.softmax(a)),
  sum: of([[2, 3, 4]], (a) => tf.sum(a, [0, 2])),
  mean: of([[2, 3, 4]], (a) => tf.mean(a, 1, true)),
  max: of([[2, 3, 4]], (a) => tf.max(a, -1)),
  prod: of([[2, 3]], (a) => tf.prod(a, 1)),
  matMul: of([[3, 4], [4, 2]], (a, b) => tf.matMul(a, b)),
  "matMul, transposed": of([[2, 4, 3], [2, 5, 4]], (a, b) => tf.matMul(a, b, true, true)),
  conv2d: of([[2, 6, 5, 3], [3, 3, 3, 4]], (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same")),
  "conv2d, padded by a number": of(
    [[2, 6, 5, 3], [3, 3, 3, 4]],
    (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 1),
  ),
  "conv2d of one channel": of(
    [[1, 6, 5, 1], [3, 3, 1, 4]],
    (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same"),
  ),
  "the gradient of conv2d, padded by a number": of(
    [[2, 6, 5, 1], [3, 3, 1, 4]],
    (x, w) => tf.grad((x) => tf.sum(tf.square(fusedConv2d(x, w, 2, 1))))(x),
  ),
  "fused conv2d": of(
    [[2, 6, 6, 3], [3, 3, 3, 4], [4]],
    (x, w, bias) =>
      tf.fused.conv2d({
        x: x as tf.Tensor4D,
        filter: w as tf.Tensor4D,
        bias,
        strides: 2,
        pad: [[0, 0], side, side, [0, 0]],
        activation: "relu",
      }),
  ),
  "fused conv2d without activation": of(
    [[2, 6, 6, 3], [3, 3, 3, 4], [4]],
    (x, w, bias) => tf.fused.conv2d({ x: x as tf.Tensor4D, filter: w as tf.Tensor4D, bias, strides: 1, pad: "same" }),
  ),
  avgPool: of([[2, 4, 4, 3]], (x) => tf.avgPool(x as tf.Tensor4D, 2, 2, "same")),
  resizeNearestNeighbor: of([[1, 2, 3, 2]], (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [4, 6])),
  reshape: of([[2, 6]], (a) => tf.reshape(a, [3, -1])),
  transpose: of([[2, 3, 4]], (a) => tf.transpose(a, [2, 0, 1])),
  concat: of([[2, 1], [2, 3], [2, 2]], (...all) => tf.concat(all, 1)),
  stack: of([[2, 3], [2, 3]], (...all) => tf.stack(all, 1)),
  split: of([[2, 6]], (a) => tf.concat(tf.split(a, 3, 1).reverse(), 0)),
  unstack: of([[3, 2]], (a) => tf.add(tf.unstack(a)[2], tf.unstack(a)[0])),
  slice: of([[3, 4]], (a) => tf.slice(a, [1, 0], [2, 3])),
  pad: of([[2, 3]], (a) => tf.pad(a, [[1, 0], [0, 2]], 3)),
  tile: of([[2, 3]], (a) => tf.tile(a, [2, 3])),
  broadcastTo: of([[2, 1]], (a) => tf.broadcastTo(a, [3, 2, 4])),
  reverse: of([[2, 3]], (a) => tf.reverse(a, 1)),
  gather: of([[4, 3]], (a) => tf.gather(a, tf.tensor1d([3, 0, 3], "int32"))),
  where: of([[2, 3], [2, 3]], (a, b) => tf.where(tf.greater(a, b), a, tf.neg(b))),
  cast: of([[2, 3]], (a) => tf.cast(tf.cast(tf.mul(a, 10), "int32"), "float32")),
  oneHot: of([[3]], (a) => tf.add(tf.oneHot(tf.tensor1d([0, 2, 1], "int32"), 3), a)),
  addN: of([[2, 3], [2, 3], [2, 3]], (...all) => tf.addN(all)),
  cumsum: of([[2, 4]], (a) => tf.cumsum(a, 1)),
  "zeros and ones": of([[2, 3]], (a) => tf.add(tf.zerosLike(a), tf.mul(tf.onesLike(a), tf.fill([3], 4)))),
  "a constant": of([[2]], (a) => tf.mul(a, tf.tensor1d([3, 5]))),
  "a gradient": of(
    [[2, 5, 5, 3], [3, 3, 3, 2]],
    (x, w) => tf.grad((w) => tf.mean(tf.square(tf.erf(fusedConv2d(x, w, 1, [[0, 0], side, side, [0, 0]])))))(w),
  ),
};
