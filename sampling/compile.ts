/**
 * Sampling: a request becomes a plan, and the plan's steps become images; the command line, figures, evaluation and the
 * server share it. The mathematics of a step is core's, whose requests share a network call is serving's to decide, and
 * files are nobody's here.
 *
 * Read `request.ts` and `parameters.ts` first: what may be requested. This file compiles that to the operations of each
 * image, `denoise.ts` runs them, `loaded_model.ts` is the model that they run on.
 *
 * @module
 */
import {
  compileInversion,
  compilePlan,
  compileRepaint,
  type Diffusion,
  DOMAINS,
  fillNormal,
  INITIAL_NOISE_STEP,
  interpolateLatents,
  lerp,
  type Plan,
  qSample,
  selectTimesteps,
  slerp,
} from "../core/mod.ts";
import type { PlanRow } from "../core/plan.ts";
import type { RepaintOperation } from "../core/repaint.ts";
import type { SchedulerConfig } from "../model/scheduler_config.ts";
import { ScheduleError } from "./errors.ts";
import type { ResolvedSampling } from "./parameters.ts";
import {
  checkRequest,
  type GenerateRequest,
  type Img2ImgRequest,
  type InpaintRequest,
  type InterpolateRequest,
  type ModelShape,
  type ReconstructRequest,
  type SamplingRequest,
} from "./request.ts";

/** One operation on an image on its way. It draws the noise of its own place in the list, plus one. */
export interface TaskOperation {
  /** What the network is asked, and the update that follows; null where it is not asked. */
  readonly row: PlanRow | null;
  /** Present where the image is being inpainted. */
  readonly repaint: RepaintOperation | null;
}

/** Images to be made, compiled: each starts somewhere and goes through the same operations. The first asks the network. */
export interface SamplingTask {
  readonly operations: readonly TaskOperation[];
  /** Operations that ask the network. */
  readonly steps: number;
  readonly n: number;
  readonly seed: number;
  /** The sample whose noise image i draws. */
  readonly sampleOf: (i: number) => number;
  /** What image i starts from, as a new array of H·W·C values. */
  readonly start: (i: number) => Float32Array;
  /** Where the image is inpainted: H·W·C values to complete, and the mask of H·W values. */
  readonly known: { readonly image: Float32Array; readonly mask: Float32Array } | null;
  /** Class of each image; null for an unconditional network. */
  readonly labels: readonly number[] | null;
  /** Classifier-free guidance scale; 1 is off. */
  readonly guidance: number;
}

/** Rows of one network call that an image takes: two where it is guided, with its class and with none. */
export const rowsPerImage = ({ guidance }: SamplingTask): 1 | 2 => guidance === 1 ? 1 : 2;

/** Rows of network calls that a task takes in all. */
export const workOf = (task: SamplingTask): number => task.n * task.steps * rowsPerImage(task);

/** A model's noise schedule: its config, and the tables of it. */
export interface Schedule {
  readonly scheduler: SchedulerConfig;
  readonly diffusion: Diffusion;
}

/** diffusers' "_log" variants differ from these in how they are computed, not in value. */
const VARIANCES = {
  fixed_small: "fixed_small",
  fixed_small_log: "fixed_small",
  fixed_large: "fixed_large",
  fixed_large_log: "fixed_large",
  learned: "learned",
  learned_range: "learned_range",
} as const;

/** Turns what `core` refuses into what the schedule does not allow. */
const allowed = <T>(compile: () => T): T => {
  try {
    return compile();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ScheduleError(`this model's noise schedule does not allow the request: ${cause.message}`, { cause });
  }
};

/** The config's spacing is that of ancestral sampling, so it holds for "ddpm" and "ddim" alone. */
const spacingOf = ({ sampler, spacing }: ResolvedSampling, { timestep_spacing }: SchedulerConfig) =>
  spacing ?? (sampler === "ddpm" || sampler === "ddim" ? timestep_spacing : "linspace");

/** The config's offset of the steps; none where all T are taken, whose first it would lead beyond. */
const offsetOf = ({ steps }: ResolvedSampling, { scheduler, diffusion }: Schedule): number =>
  steps === diffusion.timesteps ? 0 : scheduler.steps_offset;

/** From `from` downwards: that timestep itself, then those below it of the steps that a full run would take. */
const timestepsFrom = (from: number, sampling: ResolvedSampling, schedule: Schedule): number[] => {
  const selected = selectTimesteps(schedule.diffusion.timesteps, sampling.steps, {
    spacing: spacingOf(sampling, schedule.scheduler),
    offset: offsetOf(sampling, schedule),
    dropLowest: sampling.sampler === "dpmsolver++",
  });
  return [from, ...selected.filter((t) => t < from)];
};

/**
 * Compiles the sampler of a request, with the model's scheduler config for what the request leaves open.
 *
 * @param options.from the timestep to start at; the steps above it are left out. Default: the top
 * @param options.clip whether x_0 is clipped where the model's config says so
 * @throws {ScheduleError} if the schedule does not allow the sampler, its steps or their spacing
 */
export const planOf = (
  sampling: ResolvedSampling,
  schedule: Schedule,
  { from, clip = true }: { from?: number; clip?: boolean } = {},
): Plan => {
  const { scheduler, diffusion } = schedule;
  const { sampler, steps, eta, variance } = sampling;
  return allowed(() =>
    compilePlan({
      diffusion,
      sampler,
      ...(from === undefined
        ? { steps, spacing: spacingOf(sampling, scheduler), offset: offsetOf(sampling, schedule) }
        : { timesteps: timestepsFrom(from, sampling, schedule) }),
      eta,
      prediction: scheduler.prediction_type,
      variance: variance ?? VARIANCES[scheduler.variance_type],
      clip: clip && scheduler.clip_sample ? scheduler.clip_sample_range : Infinity,
    })
  );
};

/**
 * Compiles the DDIM inversion that `planOf` of the same request undoes.
 *
 * @throws {ScheduleError} if the schedule does not allow the steps or their spacing
 */
const inversionOf = (sampling: ResolvedSampling, schedule: Schedule): Plan =>
  allowed(() =>
    compileInversion({
      diffusion: schedule.diffusion,
      steps: sampling.steps,
      spacing: spacingOf(sampling, schedule.scheduler),
      offset: offsetOf(sampling, schedule),
      prediction: schedule.scheduler.prediction_type,
    })
  );

/** What a request is compiled for. */
export type Target = ModelShape & Schedule;

/** What differs between the kinds of requests. */
type Course = Pick<SamplingTask, "start" | "operations"> & Partial<Pick<SamplingTask, "known" | "sampleOf">>;

const operationsOf = ({ rows }: Plan): TaskOperation[] => rows.map((row) => ({ row, repaint: null }));

const noiseOf = ({ height, width, channels }: Target, seed: number, sample: number): Float32Array =>
  fillNormal(new Float32Array(height * width * channels), {
    seed,
    sample,
    step: INITIAL_NOISE_STEP,
    domain: DOMAINS.sampling,
  });

/** The sample of image `i`, whose noise it draws. */
const sampleOfImage = ({ first = 0 }: SamplingRequest["sampling"]) => (i: number): number => first + i;

const generate = ({ sampling }: GenerateRequest, target: Target): Course => ({
  start: (i) => noiseOf(target, sampling.seed, sampleOfImage(sampling)(i)),
  operations: operationsOf(planOf(sampling, target)),
});

const img2img = ({ sampling, image, t }: Img2ImgRequest, target: Target): Course => ({
  start: (i) => qSample(target.diffusion, image, t, noiseOf(target, sampling.seed, sampleOfImage(sampling)(i))),
  operations: operationsOf(planOf(sampling, target, { from: t })),
});

const inpaint = ({ sampling, image, mask, jumpLength, jumpSamples }: InpaintRequest, target: Target): Course => {
  const plan = planOf(sampling, target);
  const repaints = compileRepaint(plan, target.diffusion, { jumpLength, jumpSamples });
  // Jumps repeat the same operations.
  const made = new Map<RepaintOperation, TaskOperation>();
  for (const repaint of repaints) {
    if (made.has(repaint)) continue;
    made.set(repaint, { row: repaint.kind === "row" ? plan.rows[repaint.index] : null, repaint });
  }
  return {
    start: (i) => noiseOf(target, sampling.seed, sampleOfImage(sampling)(i)),
    operations: repaints.map((repaint) => made.get(repaint)!),
    known: { image, mask },
  };
};

const interpolate = ({ sampling, sources, t, lambdas, method }: InterpolateRequest, target: Target): Course => {
  const [a, b] = sources;
  // Of all that an image draws, only λ may differ from its neighbours'.
  const sampleOf = () => 0;
  if ("image" in a && "image" in b) {
    const { seed } = sampling;
    const start = (i: number) =>
      interpolateLatents(target.diffusion, a.image, b.image, { t, lambda: lambdas[i], method, seed });
    return { start, sampleOf, operations: operationsOf(planOf(sampling, target, { from: t })) };
  }
  const [from, to] = sources.map((source) => noiseOf(target, (source as { seed: number }).seed, 0));
  const mix = method === "linear" ? lerp : slerp;
  return { start: (i) => mix(from, to, lambdas[i]), sampleOf, operations: operationsOf(planOf(sampling, target)) };
};

const reconstruct = ({ sampling, image }: ReconstructRequest, target: Target): Course => ({
  start: () => image.slice(),
  // Inversion does not clip x_0; the way back can only undo it without clipping.
  operations: [inversionOf(sampling, target), planOf(sampling, target, { clip: false })].flatMap(operationsOf),
});

const courseOf = (request: SamplingRequest, target: Target): Course => {
  switch (request.kind) {
    case "generate":
      return generate(request, target);
    case "img2img":
      return img2img(request, target);
    case "inpaint":
      return inpaint(request, target);
    case "interpolate":
      return interpolate(request, target);
    case "reconstruct":
      return reconstruct(request, target);
    default:
      throw new RangeError(
        `kind must be that of a request, received ${(request satisfies never as SamplingRequest).kind}`,
      );
  }
};

/**
 * Compiles a request to a task for a model.
 *
 * @throws {ParameterError} if the request does not fit the model or its kind
 * @throws {ScheduleError} if the model's noise schedule does not allow the sampler, its steps or their spacing
 * @throws {RangeError} if an image or a mask is not of the model's size
 */
export const compileTask = (request: SamplingRequest, target: Target): SamplingTask => {
  checkRequest(request, target);
  const { n, seed, labels, guidance } = request.sampling;
  const course = courseOf(request, target);
  const steps = course.operations.reduce((sum, { row }) => row === null ? sum : sum + 1, 0);
  return { known: null, sampleOf: sampleOfImage(request.sampling), ...course, steps, n, seed, labels, guidance };
};
