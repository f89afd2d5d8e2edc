import { z } from "zod";
import { ModelError, quoteText, quoteValue } from "./error.ts";
import { parseConfig } from "./parse_config.ts";
import { SCHEDULER_CLASSES } from "./scheduler_config.ts";
import { UNET_CLASS } from "./config.ts";

const schema = z.record(z.string(), z.unknown());

const PARTS = { unet: [UNET_CLASS], scheduler: SCHEDULER_CLASSES } as const;

/** The class of a part; `undefined` where the pipeline goes without, for which diffusers writes `[null, null]`. */
const classOf = (part: unknown): unknown => {
  if (!Array.isArray(part)) return part ?? undefined;
  return part[1] ?? undefined;
};

/** Names what a pipeline is made of apart from a U-Net and a scheduler: an encoder of latents, of text … */
const foreignParts = (index: Record<string, unknown>): string[] =>
  Object.entries(index)
    .filter(([name, part]) => !Object.hasOwn(PARTS, name) && Array.isArray(part) && classOf(part) !== undefined)
    .map(([name, part]) => `${quoteText(name)} (${quoteText(String(classOf(part)))})`);

/**
 * Checks by a pipeline's index that this project runs it: a `UNet2DModel`, a scheduler of a class that is read, and no
 * part beside. The pipeline's own class says nothing more, and is not asked for.
 *
 * @param json the parsed content of a `model_index.json`: the library and class of each part
 * @throws {ModelError} that names the part, its class and what is allowed
 */
export const checkModelIndex = (json: unknown): void => {
  const index = parseConfig(schema, json, "model index");
  const foreign = foreignParts(index);
  for (const [name, allowed] of Object.entries(PARTS)) {
    const received = classOf(index[name]);
    // A pipeline of other parts alone is told by those.
    if (received === undefined && foreign.length > 0) continue;
    if ((allowed as readonly unknown[]).includes(received)) continue;
    const choice = allowed.length === 1 ? `a ${allowed[0]}` : `one of ${allowed.join(", ")}`;
    throw new ModelError(`its ${name} must be ${choice}, received ${quoteValue(received)}`);
  }
  if (foreign.length > 0) throw new ModelError(`the model has parts that are not run here: ${foreign.join(", ")}`);
};
