import {
  compileRepaint,
  DOMAINS,
  fillNormal,
  interpolateLatents,
  lerp,
  type Plan,
  qSample,
  type RepaintOperation,
  slerp,
} from "../core/mod.ts";
import { checkRequest, type ModelShape } from "./check_request.ts";
import { inversionOf, planOf, type Schedule } from "./plan.ts";
import type {
  GenerateRequest,
  Img2ImgRequest,
  InpaintRequest,
  InterpolateRequest,
  ReconstructRequest,
  SamplingRequest,
} from "./request.ts";
import type { Operation, SamplingTask } from "./task.ts";

/** What a request is compiled for. */
export type Target = ModelShape & Schedule;

/** What differs between the kinds of requests. */
type Course = Pick<SamplingTask, "start" | "operations"> & Partial<Pick<SamplingTask, "known" | "sampleOf">>;

const operationsOf = ({ rows }: Plan): Operation[] => rows.map((row) => ({ row, repaint: null }));

const noiseOf = ({ height, width, channels }: Target, seed: number, sample: number): Float32Array =>
  fillNormal(new Float32Array(height * width * channels), { seed, sample, step: 0, domain: DOMAINS.sampling });

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
  const made = new Map<RepaintOperation, Operation>();
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
