/** What a request's images are by core's own loops, an image at a time. */
import {
  compileInversion,
  compilePlan,
  type Evaluate,
  fillNormal,
  interpolateLatents,
  lerp,
  type Plan,
  type PlanOptions,
  qSample,
  repaint,
  sample,
  slerp,
} from "../../core/mod.ts";
import type { Target } from "../../sampling/compile.ts";
import type { Network } from "../../sampling/denoise.ts";
import type { SamplingRequest } from "../../sampling/request.ts";

/** ε of the class, or what guidance makes of it and of ε without a class. */
const evaluator = (network: Network, request: SamplingRequest, image: number, nullLabel: number | null): Evaluate => {
  const { labels, guidance } = request.sampling;
  const ask = (x: Float32Array, timesteps: Int32Array, label: number | null) =>
    network.evaluate(x, timesteps, labels === null ? null : [label!]);
  return (x, timesteps) => {
    const own = ask(x, timesteps, labels?.[image] ?? null);
    if (guidance === 1) return own;
    const none = ask(x, timesteps, nullLabel);
    const { channels, outChannels } = network;
    return own.map((value, i) => i % outChannels < channels ? none[i] + guidance * (value - none[i]) : value);
  };
};

const planOptions = ({ sampling }: SamplingRequest, { scheduler, diffusion }: Target): PlanOptions => {
  const { sampler, steps, spacing, eta, variance } = sampling;
  const isAncestral = sampler === "ddpm" || sampler === "ddim";
  return {
    diffusion,
    sampler,
    steps,
    spacing: spacing ?? (isAncestral ? scheduler.timestep_spacing : undefined),
    eta,
    variance: variance ?? (scheduler.variance_type === "learned_range" ? "learned_range" : "fixed_small"),
    prediction: scheduler.prediction_type,
    clip: scheduler.clip_sample_range,
  };
};

/** The plan that starts at t itself and then takes the steps of the whole one that are below. */
const planFrom = (t: number, options: PlanOptions): Plan => {
  const whole = compilePlan(options).rows.map(({ timestep }) => timestep);
  const timesteps = [t, ...new Set(whole.filter((timestep) => timestep < t))];
  return compilePlan({ ...options, steps: undefined, timesteps });
};

/** Image `i` of a request, drawn by core. */
const drawImage = async (
  request: SamplingRequest,
  i: number,
  target: Target,
  network: Network,
  nullLabel: number | null,
): Promise<Float32Array> => {
  const { height, width, channels, diffusion } = target;
  const shape = [1, height, width, channels] as const;
  const { seed } = request.sampling;
  const options = planOptions(request, target);
  const evaluate = evaluator(network, request, i, nullLabel);
  const noise = (seed: number, sample: number) =>
    fillNormal(new Float32Array(height * width * channels), { seed, sample, step: 0 });
  switch (request.kind) {
    case "generate":
      return await sample({ plan: compilePlan(options), shape, evaluate, seed, sample: i });
    case "img2img": {
      const latents = qSample(diffusion, request.image, request.t, noise(seed, i));
      return await sample({ plan: planFrom(request.t, options), shape, evaluate, seed, sample: i, latents });
    }
    case "inpaint": {
      const { image, mask, jumpLength, jumpSamples } = request;
      const plan = compilePlan(options);
      const jumps = { jumpLength, jumpSamples };
      return await repaint({ plan, diffusion, shape, evaluate, seed, sample: i, image, mask, ...jumps });
    }
    case "interpolate": {
      const { sources: [a, b], t, lambdas, method } = request;
      if ("image" in a && "image" in b) {
        const latents = interpolateLatents(diffusion, a.image, b.image, { t, lambda: lambdas[i], method, seed });
        return await sample({ plan: planFrom(t, options), shape, evaluate, seed, latents });
      }
      const [from, to] = [a, b].map((source) => noise((source as { seed: number }).seed, 0));
      const latents = (method === "linear" ? lerp : slerp)(from, to, lambdas[i]);
      return await sample({ plan: compilePlan(options), shape, evaluate, seed, latents });
    }
    case "reconstruct": {
      const { steps, spacing, prediction } = options;
      const inversion = compileInversion({ diffusion, steps, spacing, prediction });
      const latents = await sample({ plan: inversion, shape, evaluate, latents: request.image });
      return await sample({ plan: compilePlan({ ...options, clip: Infinity }), shape, evaluate, latents });
    }
  }
};

/** All images of a request, each drawn alone by core. */
export const drawAlone = async (
  request: SamplingRequest,
  { target, network, nullLabel }: { target: Target; network: Network; nullLabel: number | null },
): Promise<Float32Array> => {
  const { n } = request.sampling;
  const size = target.height * target.width * target.channels;
  const images = new Float32Array(n * size);
  for (let i = 0; i < n; i++) images.set(await drawImage(request, i, target, network, nullLabel), i * size);
  return images;
};
