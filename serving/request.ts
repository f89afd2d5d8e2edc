import type { ResolvedSampling } from "./resolve.ts";

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
export type Source = { readonly image: Float32Array } | { readonly seed: number };

/**
 * One image a λ, from the mixture of two latents: the x_t of two images (Ho et al. 2020, section 4.4), or the x_T of two
 * seeds. Only λ differs between the images: all draw the noise of sample 0 of `sampling.seed`.
 */
export interface InterpolateRequest {
  readonly kind: "interpolate";
  /** `n` is the number of `lambdas`. */
  readonly sampling: ResolvedSampling;
  /** Two images, or two seeds. */
  readonly sources: readonly [Source, Source];
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
