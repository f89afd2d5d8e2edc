import { parseUNetConfig } from "../config.ts";
import { ModelError, quoteText } from "../error.ts";
import { parseSchedulerConfig } from "../scheduler_config.ts";
import type { Repository } from "./address.ts";

const PARTS = new Set(["unet", "scheduler"]);

/** Names what a pipeline is made of apart from a U-Net and a scheduler: an encoder of latents, of text … */
const foreignParts = (index: object): string[] =>
  Object.entries(index)
    .filter(([name, value]) => !PARTS.has(name) && Array.isArray(value) && value.some((part) => part !== null))
    .map(([name]) => quoteText(name));

const checkIndex = (json: unknown): void => {
  if (typeof json !== "object" || json === null) throw new ModelError("it must be an object");
  const foreign = foreignParts(json);
  if (foreign.length > 0) throw new ModelError(`the model has parts that are not run here: ${foreign.join(", ")}`);
};

const checkText = (path: string, text: string): void => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ModelError("it is not JSON", { cause });
  }
  if (path.endsWith("scheduler_config.json")) parseSchedulerConfig(json);
  else if (path.endsWith("config.json")) parseUNetConfig(json);
  else if (path === "model_index.json") checkIndex(json);
};

/**
 * Tells by a model's small files whether this project runs it, before the large one is fetched.
 *
 * @param texts the files' contents by their paths in the repository
 * @throws {ModelError} that names the file and what is in the way
 */
export const checkModel = ({ name }: Repository, texts: ReadonlyMap<string, string>): void => {
  for (const [path, text] of texts) {
    try {
      checkText(path, text);
    } catch (cause) {
      if (!(cause instanceof ModelError)) throw cause;
      throw new ModelError(`Cannot use ${name}: ${path}: ${cause.message}`, { cause });
    }
  }
};
