import { ModelError } from "./error.ts";

/** Whether an object in the two outer levels of valid JSON has a key twice: JSON.parse keeps the last and is silent. */
const hasDuplicateKeys = (json: string, parsed: object): boolean => {
  let written = 0, depth = 0, quoted = false;
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (quoted) {
      if (character === "\\") i++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (character === ":" && depth <= 2) written++;
  }
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  const kept = [parsed, ...Object.values(parsed).filter(isObject)];
  return written !== kept.reduce((count, value) => count + Object.keys(value).length, 0);
};

/**
 * Reads the JSON of a safetensors file's header.
 *
 * @throws {ModelError} if it is no JSON object in UTF-8, or has a key twice
 */
export const parseHeader = (bytes: Uint8Array): object => {
  if (bytes[0] !== 0x7b) throw new ModelError("the header must be a JSON object");
  let json: string, header: object;
  try {
    json = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(json);
  } catch (cause) {
    throw new ModelError("the header must be JSON in UTF-8", { cause });
  }
  if (hasDuplicateKeys(json, header)) throw new ModelError("the header must not have a key twice");
  return header;
};
