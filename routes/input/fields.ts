import { z } from "@hono/zod-openapi";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import { samplingParameters } from "../../sampling/parameters.ts";
import type { Limits } from "../limits.ts";
import { FORMAT_NAMES } from "../output/formats.ts";

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

/** The fields that every request for images has. */
export const commonFields = ({ models, limits }: FieldOptions) => {
  const [first, ...others] = models.map(({ name }) => name);
  return {
    model: z.enum([first, ...others]).default(first)
      .openapi({ description: "Model to draw with; GET /models tells of each" }),
    timeout_s: z.number().min(Math.min(1, limits.seconds)).max(limits.seconds).default(limits.seconds)
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
  };
};

const { shape } = samplingParameters;

/** The largest integer; said in the description too, where it would be understood otherwise. */
const MOST = Number.MAX_SAFE_INTEGER;

/** A seed that may be left open. */
export const seedField = (description: string) => z.int().min(0).optional().openapi({ description, maximum: MOST });

/** The fields of sampling, with this server's limits; `samplingParameters` says what they mean. */
export const samplingFields = ({ models, limits }: FieldOptions) => ({
  n: z.int().min(1).max(limits.images).default(1)
    .openapi({ description: shape.n.description, example: 4 }),
  first: shape.first.openapi({ description: shape.first.description, examples: [5] }),
  seed: seedField(shape.seed.description!).openapi({ example: 7 }),
  sampler: shape.sampler.openapi({ description: shape.sampler.description, example: "ddim" }),
  steps: z.int().min(1).max(Math.min(limits.steps, Math.max(...models.map(({ timesteps }) => timesteps)))).optional()
    .openapi({ description: shape.steps.description, example: 20 }),
  spacing: shape.spacing.openapi({ description: shape.spacing.description }),
  eta: shape.eta.openapi({ description: shape.eta.description }),
  label: z.union([z.int().min(0).openapi({ maximum: MOST }), z.string().min(1)]).optional()
    .openapi({ description: shape.label.description }),
  guidance: shape.guidance.openapi({ description: shape.guidance.description }),
  variance: shape.variance.openapi({ description: shape.variance.description }),
});

/** The timestep to start from, with what is so by default. */
export const timestepField = ({ models }: FieldOptions, description: string) =>
  z.int().min(0).max(Math.max(...models.map(({ timesteps }) => timesteps)) - 1).optional().openapi({ description });

const isImage = (value: unknown): boolean => value instanceof Uint8Array || (typeof value === "string" && value !== "");

/** An image as it may come: the bytes of a form's file, or text in a form or in JSON. */
export const imageField = (description: string) =>
  z.custom<Uint8Array<ArrayBuffer> | string>(
    isImage,
    "a PNG, JPEG or WebP: a file in a form, else base64 or a data: URL",
  )
    .describe(description).openapi({ type: "string", minLength: 1, description });
