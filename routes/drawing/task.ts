import { z } from "@hono/zod-openapi";
import { RESAMPLERS } from "../../formats/enlarge.ts";
import { ParameterError } from "../../sampling/errors.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import {
  defaultsOf,
  type ResolvedSampling,
  resolveSampling,
  type SamplingDefaults,
  type SamplingParameters,
  samplingParameters,
} from "../../sampling/parameters.ts";
import type { SamplingRequest } from "../../sampling/request.ts";
import type { CodecRunner } from "../codec/codec.ts";
import type { ReceivedImage } from "../codec/codecs.ts";
import type { Limits } from "../http/limits.ts";
import { FORMAT_NAMES } from "../http/negotiate.ts";
import { isLongText } from "../http/parse_body.ts";
import type { Drawing, DrawingItem, DrawingParameters } from "./answer.ts";

/** What is made of the values that come out of the model. */
export type FinishedTask = Pick<Drawing, "values" | "items"> & Partial<Pick<Drawing, "measures" | "frames">>;

/** A request that has been read, checked and resolved: what is left is to draw it. */
export interface PreparedTask {
  /** Every choice that was made; together with the images that were sent it makes the same images again. */
  readonly parameters: DrawingParameters;
  /** What is asked of the model, or the values that need none. */
  readonly source: SamplingRequest | Float32Array<ArrayBuffer>;
  /** Class of each image that the model draws; null where it has no classes. */
  readonly labels: readonly number[] | null;
  /** Images of the answer. */
  readonly count: number;
  /** Images that a frame of its film shows; all of the answer by default. */
  readonly framed?: number;
  /** Columns of the picture that shows all images; near the square root of their number by default. */
  readonly columns?: number;
  readonly finish: (values: Float32Array<ArrayBuffer>, encoder: CodecRunner) => FinishedTask | Promise<FinishedTask>;
}

/** What a task needs to prepare a request. */
export interface TaskTools {
  readonly model: ModelInfo;
  readonly limits: Limits;
  /**
   * Decodes what came in a field to the model's extent, H·W·C values in [-1, 1].
   *
   * @throws {ParameterError} if it is no image, or too large a one
   */
  readonly image: (field: string, received: ReceivedImage) => Promise<Float32Array>;
  /** Decodes a mask, H·W values in [0, 1]: 1 keeps the pixel, which is what black is for. */
  readonly mask: (field: string, received: ReceivedImage) => Promise<Float32Array>;
}

/** One way of drawing: its parameters, and what they ask of a model. */
export interface DrawingTask<S extends z.ZodObject = z.ZodObject> {
  /** What it is called in answers, and in `PUT /predictions/{id}`. */
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  /** Names of the fields that hold images. */
  readonly images: readonly string[];
  /** A strict schema of its parameters, `commonFields` among them. */
  readonly fields: (options: FieldOptions) => S;
  /** Parameters that make an example. */
  readonly example: Readonly<Record<string, unknown>>;
  /** @throws {ParameterError} that lists every parameter in the way */
  readonly prepare: (input: z.output<S>, tools: TaskTools) => Promise<PreparedTask>;
}

/** Names a task, so that `prepare` gets the type of its schema's output. */
export const defineTask = <S extends z.ZodObject>(task: DrawingTask<S>): DrawingTask => task as unknown as DrawingTask;

/** A gradient from black to white, 8×8 pixels as a `data:` URL, for the examples of the OpenAPI description. */
export const EXAMPLE_IMAGE = "data:image/png;base64," +
  "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mNkEIQAJkGKGACW0QQ/5dbbJgAAAABJRU5ErkJggg==";

/** A mask whose right half is white, likewise. */
export const EXAMPLE_MASK = "data:image/png;base64," +
  "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQAAAADsdIMmAAAADUlEQVR42mPgZ2JAhgABYQAex9fz0AAAAABJRU5ErkJggg==";

/**
 * What the fields of a request depend on.
 *
 * In the description a field's `example` is what the page of /docs fills in beforehand, so that a first try shows an
 * image; `examples` are only shown.
 */
export interface FieldOptions {
  /** The first is the default. */
  readonly models: readonly ModelInfo[];
  readonly limits: Limits;
}

/** How much a film or a stream shows where it is left open. */
export const DEFAULT_FRAMES = 24;

/** How large pictures are made. */
export const pictureFields = {
  scale: z.int().min(1).max(16).default(1)
    .describe("How often each pixel is repeated along either side of a picture; arrays are no pictures, and take 1"),
  resampler: z.enum(RESAMPLERS).default("nearest")
    .describe("How scale fills pictures: nearest shows the pixels as they are, lanczos smooths them"),
};

/** The fields that every request for images has. */
export const commonFields = ({ models, limits }: FieldOptions) => {
  const [first, ...others] = models.map(({ name }) => name);
  return {
    model: z.enum([first, ...others]).default(first)
      .openapi({ description: "Model to draw with; GET /models lists them" }),
    timeoutSeconds: z.number().min(Math.min(1, limits.seconds)).max(limits.seconds).default(limits.seconds)
      .openapi({ description: "Seconds after which the server gives up, waiting included" }),
    format: z.enum(FORMAT_NAMES).optional()
      .openapi({
        description: "Format of the answer, over what the Accept header says. Default: png, several images as a grid",
        examples: ["gif"],
      }),
    frames: z.int().min(2).max(100).optional()
      .openapi({
        description: "Frames of a film, or pictures in an event stream, evenly over the steps. " +
          `Default: ${DEFAULT_FRAMES}; none for a prediction, unless its format is a film`,
        examples: [DEFAULT_FRAMES],
      }),
    scale: pictureFields.scale.openapi({ description: pictureFields.scale.description, example: 4 }),
    resampler: pictureFields.resampler.openapi({ description: pictureFields.resampler.description }),
  };
};

const { shape } = samplingParameters;

/** The largest integer; said in the description too, where it would be understood otherwise. */
const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

/** A seed that may be left open. */
export const seedField = (description: string) =>
  z.int().min(0).optional().openapi({ description, maximum: MAX_INTEGER });

/** What is done where a field is left open: as a default where the models agree, else in words. */
const leftOpen = (models: readonly ModelInfo[], key: keyof SamplingDefaults, description: string) => {
  const defaults = models.map((model) => ({ name: model.name, value: defaultsOf(model)[key] }));
  const [{ value: usual }] = defaults;
  if (defaults.every(({ value }) => value === usual)) return { description, default: usual };
  const each = defaults.map(({ name, value }) => `${name} ${value}`).join(", ");
  return { description: `${description} (${each})` };
};

/** The fields of sampling, with this server's limits; `samplingParameters` says what they mean. */
export const samplingFields = ({ models, limits }: FieldOptions) => ({
  n: z.int().min(1).max(limits.images).default(1)
    .openapi({ description: shape.n.description, example: 4 }),
  first: shape.first.openapi({ description: shape.first.description, examples: [5] }),
  seed: seedField(shape.seed.description!).openapi({ example: 7 }),
  sampler: shape.sampler.openapi(leftOpen(models, "sampler", shape.sampler.description!)),
  steps: z.int().min(1).max(Math.min(limits.steps, Math.max(...models.map(({ timesteps }) => timesteps)))).optional()
    .openapi(leftOpen(models, "steps", shape.steps.description!)),
  spacing: shape.spacing.openapi({ description: shape.spacing.description }),
  eta: shape.eta.openapi({ description: shape.eta.description }),
  label: z.union([z.int().min(0).openapi({ maximum: MAX_INTEGER }), z.string().min(1)]).optional()
    .openapi({ description: shape.label.description }),
  guidance: shape.guidance.openapi(leftOpen(models, "guidance", shape.guidance.description!)),
  variance: shape.variance.openapi({ description: shape.variance.description }),
});

/** The timestep to start from, with what is so by default. */
export const timestepField = ({ models }: FieldOptions, description: string) =>
  z.int().min(0).max(Math.max(...models.map(({ timesteps }) => timesteps)) - 1).optional().openapi({ description });

const isImage = (value: unknown): boolean =>
  value instanceof Uint8Array || isLongText(value) || (typeof value === "string" && value !== "");

/** An image as it may come: the bytes of a form's file, or text in a form or in JSON. */
export const imageField = (description: string) =>
  z.custom<ReceivedImage>(
    isImage,
    "a PNG, JPEG or WebP: a file in a form, else base64 or a data: URL",
  )
    .describe(description).openapi({ type: "string", minLength: 1, description });

const describeReceived = (received: ReceivedImage): string => {
  if (received instanceof Uint8Array) return `a file of ${received.length} bytes`;
  return `text of ${typeof received === "string" ? received.length : received.utf8.length} characters`;
};

/** The errors that are the image's fault, with what would be none. */
const IMAGE_ERRORS: Readonly<Record<string, string>> = {
  ImageError: "a PNG, JPEG or WebP that can be read",
  CodecTimeoutError: "an image that is decoded sooner",
};

/**
 * Makes the decoders of a request's images, for the model that they are meant for.
 *
 * @param tools.decoder runs them, where they hold nobody up
 */
export const imageDecoders = (
  model: ModelInfo,
  { decoder, limits }: { decoder: CodecRunner; limits: Limits },
): Pick<TaskTools, "image" | "mask"> => {
  const { height, width, channels } = model;
  const { pixels: maxPixels } = limits;
  const blame = (field: string, image: ReceivedImage) => {
    const received = describeReceived(image);
    return (error: Error) => {
      const fault = IMAGE_ERRORS[error.name];
      if (fault === undefined) throw error;
      throw new ParameterError([{ field, received, allowed: `${fault}: ${error.message}` }]);
    };
  };
  return {
    image: (field, received) => {
      const onError = blame(field, received);
      return decoder.run("decodeReceived", received, { height, width, channels, maxPixels }).catch(onError);
    },
    mask: (field, received) => {
      const onError = blame(field, received);
      return decoder.run("decodeReceivedMask", received, { height, width, maxPixels }).catch(onError);
    },
  };
};

/** What a caller chose, its defaults filled in, among other fields. */
type ChosenSampling = Partial<SamplingParameters>;

/**
 * Resolves the sampling parameters among a request's fields.
 *
 * @param options.usualSteps where neither the request nor the model's card says how many
 * @param options.unlabelled whether no class at all is meant where none is named, if the model was trained for that:
 * what is made from an image is of the image's class, whichever that is
 * @throws {ParameterError} that lists every parameter in the way
 */
export const resolveFields = (
  { n = 1, first, seed, sampler, steps, spacing, eta, label, guidance, variance }: ChosenSampling,
  model: ModelInfo,
  { unlabelled = false, usualSteps }: { unlabelled?: boolean; usualSteps?: number } = {},
): ResolvedSampling => {
  const { nullLabel } = model;
  const isFree = unlabelled && label === undefined && nullLabel !== null;
  // Guidance leads away from no class, which is where these are.
  const scale = guidance ?? (isFree ? 1 : undefined);
  const parameters = { n, first, seed, sampler, steps, spacing, eta, label, guidance: scale, variance };
  const sampling = resolveSampling(parameters, model, { usualSteps });
  return isFree ? { ...sampling, labels: Array<number>(n).fill(nullLabel) } : sampling;
};

/**
 * Checks that a class is named where the model draws nothing without one.
 *
 * @throws {ParameterError} if there is none
 */
export const requireLabel = (label: string | number | undefined, { labels, nullLabel }: ModelInfo): void => {
  if (label !== undefined || labels === null || nullLabel !== null) return;
  throw new ParameterError([{
    field: "label",
    received: null,
    allowed: "given: this model draws no image without",
  }]);
};

/** Parameters that are set, without those left to the model. */
export const onlySet = (values: Readonly<Record<string, DrawingParameters[string] | undefined>>): DrawingParameters =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as DrawingParameters;

/** Resolved sampling as parameters that a request can give. */
export const parametersOf = (
  { n, first, seed, sampler, steps, spacing, eta, guidance, variance }: ResolvedSampling,
  label: string | number | undefined,
): DrawingParameters => onlySet({ n, first, seed, sampler, steps, spacing, eta, label, guidance, variance });

/** The class of each image by name, where it has one. */
export const labelItems = ({ n, labels }: ResolvedSampling, model: ModelInfo): DrawingItem[] =>
  Array.from({ length: n }, (_, i): DrawingItem => {
    const name = labels === null ? undefined : model.labels?.[labels[i]];
    return name === undefined ? {} : { label: name };
  });

/**
 * A timestep that the model has: the one that was asked for, or else half the schedule, T/2 − 1, from which T/2 steps lead
 * to the image (the paper's t = 500 of 1000).
 *
 * @throws {ParameterError} if the model has no such timestep
 */
export const checkTimestep = (t: number | undefined, { timesteps }: ModelInfo): number => {
  const chosen = t ?? Math.max(0, Math.floor(timesteps / 2) - 1);
  if (chosen < timesteps) return chosen;
  throw new ParameterError([{
    field: "t",
    received: chosen,
    allowed: `in [0, ${timesteps - 1}] (T − 1 of this model)`,
  }]);
};
