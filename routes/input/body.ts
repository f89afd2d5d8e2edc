import { type RouteConfig, z } from "@hono/zod-openapi";

/**
 * How a request's body stands in the OpenAPI description: as JSON, and as a form where it holds images. JSON comes first,
 * since the page of /docs offers the first to be tried, and has an example of it alone.
 *
 * @param images names of the fields that hold images: base64 or a `data:` URL in JSON, a file in a form
 */
export const describeBody = (
  schema: z.ZodObject,
  images: readonly string[],
  example: Readonly<Record<string, unknown>>,
): NonNullable<RouteConfig["request"]>["body"] => {
  const json = { "application/json": { schema, example } };
  if (images.length === 0) return { required: true, content: json };
  const files = images.map((name) => {
    const field = schema.shape[name] as z.ZodType;
    const isOptional = field instanceof z.ZodOptional;
    const { description } = isOptional ? field.unwrap() as z.ZodType : field;
    const file = z.any().openapi({ type: "string", format: "binary", description });
    return [name, isOptional ? file.optional() : file] as const;
  });
  const form = schema.extend(Object.fromEntries(files) as Record<string, z.ZodType>);
  return { required: true, content: { ...json, "multipart/form-data": { schema: form } } };
};
