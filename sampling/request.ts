import { checkLength, countNonFinite } from "../core/check.ts";
import { checkMask } from "../core/repaint.ts";
import { ParameterError, type ParameterIssue } from "./errors.ts";
import type { ResolvedSampling } from "./parameters.ts";

/** Images of the model's schedule and nothing else: image i starts from the noise x_T of (seed, i). */
export interface GenerateRequest {
  readonly kind: "generate";
  readonly sampling: ResolvedSampling;
}

/** Variants of an image: image i starts from x_t ~ q(x_t | image) with the noise of (seed, i) (SDEdit, Meng et al. 2022). */
export interface Img2ImgRequest {
  readonly kind: "img2img";
  readonly sampling: ResolvedSampling;
  /** H·W·C values in [-1, 1]. */
  readonly image: Float32Array;
  /** The timestep to start at, 0 … T − 1: the first that the network is asked for. The steps above it are left out. */
  readonly t: number;
}

/** An image with some pixels made anew (RePaint, Lugmayr et al. 2022). Sampler ddpm or ddim. */
export interface InpaintRequest {
  readonly kind: "inpaint";
  readonly sampling: ResolvedSampling;
  /** H·W·C values in [-1, 1]. */
  readonly image: Float32Array;
  /** H·W values in [0, 1]: 1 keeps the pixel, 0 makes it anew. */
  readonly mask: Float32Array;
  /** Steps of one jump back; at least 1. */
  readonly jumpLength: number;
  /** Times that each stretch is sampled; 1 never goes back. */
  readonly jumpSamples: number;
}

/** An end of an interpolation: an image, of H·W·C values in [-1, 1], or the noise x_T of a seed (its sample 0). */
export type InterpolationSource = { readonly image: Float32Array } | { readonly seed: number };

/**
 * One image a λ, from the mixture of two latents: the x_t of two images (Ho et al. 2020, section 4.4), or the x_T of two
 * seeds. Only λ differs between the images: all draw the noise of sample 0 of `sampling.seed`.
 */
export interface InterpolateRequest {
  readonly kind: "interpolate";
  /** `n` is the number of `lambdas`. */
  readonly sampling: ResolvedSampling;
  /** Two images, or two seeds. */
  readonly sources: readonly [InterpolationSource, InterpolationSource];
  /** The timestep whose latents are mixed, 0 … T − 1. Two seeds are mixed at x_T, whatever `t` says. */
  readonly t: number;
  /** In [0, 1]: 0 is the first source, 1 the second. */
  readonly lambdas: readonly number[];
  readonly method: "linear" | "spherical";
}

/** An image turned into its x_T by DDIM inversion and back by DDIM, both in `sampling.steps` steps. Sampler ddim, η 0, n 1. */
export interface ReconstructRequest {
  readonly kind: "reconstruct";
  readonly sampling: ResolvedSampling;
  /** H·W·C values in [-1, 1]. */
  readonly image: Float32Array;
}

/** What can be asked of a model, with every choice made: what it says determines its images. */
export type SamplingRequest =
  | GenerateRequest
  | Img2ImgRequest
  | InpaintRequest
  | InterpolateRequest
  | ReconstructRequest;

/** What a request must fit. */
export interface ModelShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** T. */
  readonly timesteps: number;
  /** Rows of the class embedding; null for an unconditional model. */
  readonly numClasses: number | null;
}

/** `steps` times `jumpSamples` at most, so that a list of operations is no way to take all memory. */
const MAX_STEPS = 20_000;

const isInteger = (value: number, min: number, max = Number.MAX_SAFE_INTEGER): boolean =>
  Number.isInteger(value) && value >= min && value <= max;

/** Operations of an image that ask the network, at most. */
const mostStepsOf = (request: SamplingRequest, { timesteps }: Pick<ModelShape, "timesteps">): number => {
  const { kind, sampling: { steps } } = request;
  if (kind === "reconstruct") return 2 * steps;
  if (kind === "inpaint") {
    const { jumpLength, jumpSamples } = request;
    const returns = Math.max(0, Math.ceil(steps / jumpLength) - 1);
    return steps + returns * (jumpSamples - 1) * jumpLength;
  }
  if (kind === "generate" || imagesOf(request).length === 0) return steps;
  // Those below t, of steps that are so far apart at least.
  const apart = Math.max(1, Math.floor(timesteps / steps));
  return Math.min(steps, Math.floor(request.t / apart) + 1) + 1;
};

/**
 * Rows of network calls that a request takes, or a few more: what `workOf` says once it is compiled, without the tables
 * that this takes.
 */
export const mostWorkOf = (request: SamplingRequest, shape: Pick<ModelShape, "timesteps">): number => {
  const { n, sampler, guidance } = request.sampling;
  return n * mostStepsOf(request, shape) * (sampler === "heun" ? 2 : 1) * (guidance === 1 ? 1 : 2);
};

const seedsOf = (request: SamplingRequest): number[] =>
  request.kind === "interpolate" ? request.sources.flatMap((source) => "seed" in source ? [source.seed] : []) : [];

const imagesOf = (request: SamplingRequest): Float32Array[] => {
  if (request.kind === "generate") return [];
  if (request.kind !== "interpolate") return [request.image];
  return request.sources.flatMap((source) => "image" in source ? [source.image] : []);
};

/**
 * Checks a request against the model: whatever passes cannot fail a network call that others take part in.
 *
 * @throws {ParameterError} that lists every parameter in the way
 * @throws {RangeError} if an image or a mask is not of the model's size, or holds other values than it may
 */
export const checkRequest = (request: SamplingRequest, model: ModelShape): void => {
  const { height, width, channels, timesteps, numClasses } = model;
  const { n, first = 0, seed, labels, sampler, eta = 0, steps } = request.sampling;
  const issues: ParameterIssue[] = [];
  const expect = (fits: boolean, field: string, received: unknown, allowed: string) => {
    if (!fits) issues.push({ field, received, allowed });
  };

  expect(isInteger(n, 1), "n", n, "an integer ≥ 1");
  expect(isInteger(first, 0, 2 ** 31 - 1), "first", first, "an integer in [0, 2³¹)");
  for (const value of [seed, ...seedsOf(request)]) expect(isInteger(value, 0), "seed", value, "an integer in [0, 2⁵³)");
  if (numClasses === null) expect(labels === null, "labels", labels, "null: this model has no classes");
  else {
    const fits = labels !== null && labels.length === n && labels.every((label) => isInteger(label, 0, numClasses - 1));
    expect(fits, "labels", labels, `${n} integers in [0, ${numClasses - 1}]`);
  }

  const { kind } = request;
  if (kind === "img2img" || kind === "interpolate") {
    expect(isInteger(request.t, 0, timesteps - 1), "t", request.t, `an integer in [0, ${timesteps - 1}]`);
  }
  if (kind === "interpolate") {
    const { lambdas, sources } = request;
    expect(lambdas.length === n, "lambdas", lambdas, `n values, ${n} of them`);
    expect(lambdas.every((lambda) => lambda >= 0 && lambda <= 1), "lambdas", lambdas, "in [0, 1]");
    expect(seedsOf(request).length !== 1, "sources", sources.map(Object.keys).flat(), "two images or two seeds");
  }
  if (kind === "inpaint") {
    const { jumpLength, jumpSamples } = request;
    expect(sampler === "ddpm" || sampler === "ddim", "sampler", sampler, "ddpm or ddim, to inpaint");
    expect(isInteger(jumpLength, 1), "jumpLength", jumpLength, "an integer ≥ 1");
    const most = Math.floor(MAX_STEPS / steps);
    expect(isInteger(jumpSamples, 1, most), "jumpSamples", jumpSamples, `an integer in [1, ${most}], with these steps`);
  }
  if (kind === "reconstruct") {
    expect(sampler === "ddim", "sampler", sampler, "ddim, to reconstruct");
    expect(eta === 0, "eta", eta, "0, to reconstruct");
    expect(n === 1, "n", n, "1, to reconstruct");
  }
  if (issues.length > 0) throw new ParameterError(issues);

  for (const image of imagesOf(request)) {
    checkLength("image", image, height * width * channels);
    const count = countNonFinite(image);
    if (count > 0) throw new RangeError(`image must have finite values, received ${count} that are not`);
  }
  if (kind === "inpaint") checkMask(request.mask, height * width);
};
