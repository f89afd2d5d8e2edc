import type { ModelInfo } from "../../sampling/loaded_model.ts";
import { ModelChangedError, type Serving } from "../../serving/serving.ts";
import type { Codec } from "../codec/client.ts";
import { DEFAULT_FRAMES } from "../input/fields.ts";
import { imageTools } from "../input/images.ts";
import type { Limits } from "../limits.ts";
import type { DrawingHead } from "../output/drawing.ts";
import { type Format, isFilm } from "../output/formats.ts";
import type { DrawingTask, Prepared } from "../tasks/task.ts";

/** A request for images that is ready to be drawn. */
export interface Order {
  readonly model: ModelInfo;
  readonly head: DrawingHead;
  readonly prepared: Prepared;
  /** The format that was asked for by name. */
  readonly format?: Format;
  /** Frames that were asked for. */
  readonly frames?: number;
  /** Seconds that it may take. */
  readonly seconds: number;
}

/** What an order is made with. */
export interface OrderDependencies {
  readonly serving: Serving;
  readonly limits: Limits;
  readonly decoder: Codec;
}

/** The fields that every task has. */
interface Common {
  readonly model: string;
  readonly format?: Format;
  readonly frames?: number;
  readonly timeout_s: number;
}

/**
 * Resolves a request: which model, and every choice that it left open.
 *
 * @param input what `task.fields` made of the request
 * @throws {ParameterError} that lists every parameter in the way
 */
export const makeOrder = async (
  task: DrawingTask,
  input: Record<string, unknown>,
  { serving, limits, decoder }: OrderDependencies,
): Promise<Order> => {
  const { model: name, format, frames, timeout_s: seconds } = input as unknown as Common;
  const model = serving.models.find((model) => model.name === name);
  if (model === undefined) throw new ModelChangedError(`the model ${name} was removed meanwhile`);
  const prepared = await task.prepare(input, { model, limits, ...imageTools(model, { decoder, limits }) });
  const head = { task: task.name, model: name, engine: model.engine, parameters: prepared.parameters };
  return { model, head, prepared, format, frames, seconds };
};

/** How many frames of an order's film are kept, for an answer in this format; 0 for none. */
export const framesOf = ({ frames }: Order, format: Format): number =>
  isFilm(format) || format === "event-stream" ? frames ?? DEFAULT_FRAMES : 0;
