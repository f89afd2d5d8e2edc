import { z } from "zod";
import { ModelError } from "./error.ts";
import { parseConfig } from "./parse_config.ts";

/** What this project keeps beside diffusers' files, in `denoise.json`; diffusers ignores it. */
const schema = z.object({
  labels: z.array(z.string()).nullable().default(null),
  nullLabel: z.int().min(0).nullable().default(null),
});

/** The classes of a model. */
export interface Classes {
  /** Their names, by their index in the class embedding; `null` for an unconditional model. */
  readonly labels: readonly string[] | null;
  /** Index in the class embedding that stands for no class, for classifier-free guidance. */
  readonly nullLabel: number | null;
}

/**
 * Checks the classes against the rows of the class embedding: one each, the null class last. Names default to numbers.
 *
 * @param json the parsed content of a `denoise.json`
 * @param count rows of the class embedding, `null` for none
 * @throws {ModelError} that says what does not fit
 */
export const parseClasses = (json: unknown, count: number | null): Classes => {
  const { labels, nullLabel } = parseConfig(schema, json, "class list");
  if (count === null) {
    if (labels === null && nullLabel === null) return { labels, nullLabel };
    throw new ModelError("labels and nullLabel must be null for a U-Net whose num_class_embeds is null");
  }
  if (nullLabel !== null && nullLabel !== count - 1) {
    throw new ModelError(`nullLabel must be null or ${count - 1}, the last of num_class_embeds, received ${nullLabel}`);
  }
  const named = nullLabel ?? count;
  if (labels !== null && labels.length !== named) {
    throw new ModelError(`labels must be ${named} for num_class_embeds ${count}, received ${labels.length}`);
  }
  return { labels: labels ?? Array.from({ length: named }, (_, i) => String(i)), nullLabel };
};
