import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { join } from "@std/path";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { listModelFiles } from "../../model/model_files.ts";
import { NoModelError, type Serving } from "../../serving/serving.ts";
import { sharedBody } from "../http/exchange.ts";
import { problemResponse, resource } from "../http/resource.ts";
import type { ApiKey } from "../http/rights.ts";

const fileSchema = z.object({
  path: z.string().openapi({ description: "In the model's folder" }),
  href: z.string().openapi({ description: "Where it is, relative to this list" }),
  bytes: z.int(),
}).openapi("ModelFile");

const modelParam = z.string().openapi({ param: { name: "name", in: "path" }, example: "digits" });

/** A path as one part of a URL. */
const nameOf = (path: string): string => path.replaceAll("/", "~");

/** `/models/{name}/files`: what a model is read from, for a page that draws by itself. */
export const modelFileRoutes = (
  app: OpenAPIHono,
  { serving, keys }: { serving: Pick<Serving, "models">; keys: readonly ApiKey[] },
): void => {
  const options = { keys, right: "generate", tag: "Models" } as const;
  const folderOf = (c: Context): string => {
    const name = c.req.param("name")!;
    const found = serving.models.find((model) => model.name === name);
    if (!found) throw new NoModelError(`there is no model ${JSON.stringify(name)}; GET /models lists those there are`);
    return found.folder;
  };

  resource(app, "/models/{name}/files", {
    get: {
      id: "listModelFiles",
      summary: "The files that a model is read from",
      description: "In diffusers' layout: put at their paths they are a folder that can be loaded.",
      request: { params: z.object({ name: modelParam }) },
      responses: {
        200: { description: "The files", content: { "application/json": { schema: z.array(fileSchema) } } },
        404: problemResponse(404, "There is no such model"),
      },
      answer: async (c) => {
        const folder = folderOf(c);
        const files = (await listModelFiles(folder)).map(async (path) => {
          const { size: bytes } = await Deno.stat(join(folder, path));
          return { path, href: `files/${nameOf(path)}`, bytes };
        });
        return c.json(await Promise.all(files), 200);
      },
    },
  }, options);

  resource(app, "/models/{name}/files/{file}", {
    get: {
      id: "getModelFile",
      summary: "A file that a model is read from",
      request: {
        params: z.object({
          name: modelParam,
          file: z.string().openapi({
            param: { name: "file", in: "path" },
            description: "Its path, ~ between the parts",
            example: "unet~config.json",
          }),
        }),
      },
      responses: {
        200: {
          description: "The file",
          content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
        },
        404: problemResponse(404, "There is no such model, or no such file in it"),
      },
      answer: async (c) => {
        const folder = folderOf(c);
        const file = c.req.param("file")!;
        const path = (await listModelFiles(folder)).find((path) => nameOf(path) === file);
        if (path === undefined) {
          throw new HTTPException(404, { message: `there is no file ${JSON.stringify(file)} in this model` });
        }
        const bytes = await Deno.readFile(join(folder, path));
        return c.body(sharedBody(bytes), 200, {
          "cache-control": "no-cache",
          "content-type": "application/octet-stream",
          "content-length": String(bytes.length),
        });
      },
    },
  }, options);
};
