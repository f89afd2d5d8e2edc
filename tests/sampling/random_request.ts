import { fillNormal, type SamplerName, uniform } from "../../core/mod.ts";
import type { Target } from "../../sampling/compile.ts";
import type { ResolvedSampling } from "../../sampling/parameters.ts";
import type { SamplingRequest } from "../../sampling/request.ts";

/** Random choices, the same for the same seed. */
export const createChance = (seed: number) => {
  let draws = 0;
  const number = () => uniform(seed, 0, 0, draws++, 17);
  const integer = (min: number, max: number) => min + Math.floor(number() * (max - min + 1));
  const pick = <T>(choices: readonly T[]): T => choices[integer(0, choices.length - 1)];
  return { number, integer, pick };
};

export type Chance = ReturnType<typeof createChance>;

/** A request of any kind, sampler, spacing, guidance, class, start and number of images, of few steps. */
export const randomRequest = (
  chance: Chance,
  { height, width, channels, timesteps, numClasses }: Target,
  { mostSteps = 8, mostImages = 4 }: { mostSteps?: number; mostImages?: number } = {},
): SamplingRequest => {
  const { integer, pick, number } = chance;
  const kind = pick(["generate", "generate", "img2img", "inpaint", "interpolate", "reconstruct"] as const);
  const sampler: SamplerName = kind === "reconstruct"
    ? "ddim"
    : pick(kind === "inpaint" ? ["ddpm", "ddim"] as const : ["ddpm", "ddim", "heun", "dpmsolver++"] as const);
  const n = kind === "reconstruct" ? 1 : integer(1, mostImages);
  const image = () => {
    const values = fillNormal(new Float32Array(height * width * channels), {
      seed: integer(0, 1e9),
      sample: 0,
      step: 0,
    });
    return values.map((value) => Math.max(-1, Math.min(1, value / 2)));
  };
  const sampling: ResolvedSampling = {
    n,
    seed: integer(0, 1e9),
    sampler,
    steps: integer(1, mostSteps),
    spacing: pick([undefined, "leading", "trailing"] as const),
    eta: sampler === "ddim" && kind !== "reconstruct" ? pick([undefined, 0, 0.7, 1]) : undefined,
    variance: sampler === "ddpm" ? pick([undefined, "fixed_small", "fixed_large"] as const) : undefined,
    guidance: numClasses !== null ? pick([1, 1, 2.5]) : 1,
    labels: numClasses === null ? null : Array.from({ length: n }, () => integer(0, numClasses - 2)),
  };
  const t = integer(0, timesteps - 1);
  switch (kind) {
    case "generate":
      return { kind, sampling };
    case "img2img":
      return { kind, sampling, image: image(), t };
    case "inpaint": {
      const mask = Float32Array.from({ length: height * width }, () => pick([0, 1, 0.5]));
      return { kind, sampling, image: image(), mask, jumpLength: integer(1, 3), jumpSamples: integer(1, 3) };
    }
    case "interpolate": {
      const lambdas = Array.from({ length: n }, number);
      const sources = pick([true, false])
        ? [{ image: image() }, { image: image() }] as const
        : [{ seed: integer(0, 1e9) }, { seed: integer(0, 1e9) }] as const;
      return { kind, sampling, sources, t, lambdas, method: pick(["linear", "spherical"] as const) };
    }
    case "reconstruct":
      return { kind, sampling, image: image() };
  }
};
