import type { z } from "@hono/zod-openapi";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import type { SamplingRequest } from "../../sampling/request.ts";
import type { FieldOptions } from "../input/fields.ts";
import type { Limits } from "../limits.ts";
import type { Drawing, Item, Parameters } from "../output/drawing.ts";

/** What is made of the values that come out of the model. */
export type Finished = Pick<Drawing, "values" | "items"> & Partial<Pick<Drawing, "measures" | "frames">>;

/** A request that has been read, checked and resolved: what is left is to draw it. */
export interface Prepared {
  /** Every choice that was made; together with the images that were sent it makes the same images again. */
  readonly parameters: Parameters;
  /** What is asked of the model, or the values that need none. */
  readonly source: SamplingRequest | Float32Array<ArrayBuffer>;
  /** Class of each image that the model draws; null where it has no classes. */
  readonly labels: readonly number[] | null;
  /** Columns of the picture that shows all images; near the square root of their number by default. */
  readonly columns?: number;
  readonly finish: (values: Float32Array<ArrayBuffer>) => Finished;
}

/** What a task needs to prepare a request. */
export interface Tools {
  readonly model: ModelInfo;
  readonly limits: Limits;
  /**
   * Decodes what came in a field to the model's extent, H·W·C values in [-1, 1].
   *
   * @throws {ParameterError} if it is no image, or too large a one
   */
  readonly image: (field: string, received: Uint8Array<ArrayBuffer> | string) => Promise<Float32Array>;
  /** Decodes a mask, H·W values in [0, 1]: 1 keeps the pixel, which is what black is for. */
  readonly mask: (field: string, received: Uint8Array<ArrayBuffer> | string) => Promise<Float32Array>;
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
  readonly prepare: (input: z.output<S>, tools: Tools) => Promise<Prepared>;
}

/** Names a task, so that `prepare` gets the type of its schema's output. */
export const defineTask = <S extends z.ZodObject>(task: DrawingTask<S>): DrawingTask => task as unknown as DrawingTask;

/** An item without anything to tell of it. */
export const NO_ITEM: Item = {};
