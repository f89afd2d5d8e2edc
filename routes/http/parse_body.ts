/** A body's parameters: a JSON value, or the fields of a form in their order, files as bytes. */
export type ParsedBody =
  | { readonly type: "json"; readonly value: unknown }
  | { readonly type: "form"; readonly fields: readonly (readonly [name: string, value: string | Uint8Array])[] };

/** The media types that are parsed. */
export const BODY_TYPES = { json: "application/json", form: "multipart/form-data" } as const;

/** No request is nested deeper than this; what is could not even be said back. */
const DEEPEST = 16;

const isDeep = (value: unknown): boolean => {
  let level = [value];
  for (let depth = 0; depth < DEEPEST; depth++) {
    level = level.flatMap((part) => part !== null && typeof part === "object" ? Object.values(part) : []);
    if (level.length === 0) return false;
  }
  return true;
};

const parseJson = (bytes: Uint8Array): unknown => {
  const value = (() => {
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new SyntaxError(`the body is no JSON: ${(cause as Error).message}`, { cause });
    }
  })();
  if (isDeep(value)) throw new SyntaxError(`the body is nested more than ${DEEPEST} deep`);
  return value;
};

/**
 * Parses a request's body.
 *
 * @param type its content-type, of one of `BODY_TYPES`
 * @throws {SyntaxError} if it is not what its type says, or nested too deeply
 */
export const parseBody = async (
  type: keyof typeof BODY_TYPES,
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<ParsedBody> => {
  if (type === "json") return { type, value: parseJson(bytes) };
  const response = new Response(bytes, { headers: { "content-type": contentType } });
  const form = await response.formData().catch((cause) => {
    throw new SyntaxError(`the body is no multipart/form-data: ${cause.message}`, { cause });
  });
  const fields = [...form].map(async ([name, value]) =>
    [name, typeof value === "string" ? value : await value.bytes()] as const
  );
  return { type, fields: await Promise.all(fields) };
};
