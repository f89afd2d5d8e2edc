import { parseUNetConfig } from "../config.ts";
import { ModelError } from "../error.ts";
import { checkModelIndex } from "../model_index.ts";
import { parsePythonJson } from "../python_json.ts";
import { parseSchedulerConfig } from "../scheduler_config.ts";
import type { Repository } from "./address.ts";

const checkText = (path: string, text: string): void => {
  let json: unknown;
  try {
    json = parsePythonJson(text);
  } catch (cause) {
    throw new ModelError("it is not JSON", { cause });
  }
  if (path.endsWith("scheduler_config.json")) parseSchedulerConfig(json);
  else if (path.endsWith("config.json")) parseUNetConfig(json);
  else if (path === "model_index.json") checkModelIndex(json);
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
