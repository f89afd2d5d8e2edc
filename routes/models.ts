import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { NoModelError } from "../serving/serving.ts";
import { addModel } from "./models/add.ts";
import type { ModelDependencies } from "./models/dependencies.ts";
import { describeModel, modelSchema } from "./models/schema.ts";
import { resource } from "./resource.ts";
import { problemResponse, problemResponses } from "./responses.ts";

const params = z.object({
  name: z.string().openapi({ param: { name: "name", in: "path" }, description: "The model's name", example: "digits" }),
});
const missing = { 404: problemResponse(404, "There is no such model") };
const model = { "application/json": { schema: modelSchema } };

/** `/models`: what is loaded, and how busy it is; models come and go. */
export const modelRoutes = (app: OpenAPIHono, deps: ModelDependencies): void => {
  const { serving, keys } = deps;
  const options = { keys, right: "generate", tag: "Models" } as const;
  const find = (c: Context) => {
    const name = c.req.param("name")!;
    const found = serving.models.find((model) => model.name === name);
    if (!found) throw new NoModelError(`there is no model ${JSON.stringify(name)}; GET /models lists those there are`);
    return found;
  };

  resource(app, "/models", {
    get: {
      id: "list_models",
      summary: "The models that are loaded",
      responses: {
        200: {
          description: "The default one first",
          content: { "application/json": { schema: z.array(modelSchema) } },
        },
      },
      answer: (c) => c.json(serving.models.map((info) => describeModel(info, deps)), 200),
    },
    post: addModel(deps),
  }, options);

  resource(app, "/models/{name}", {
    get: {
      id: "get_model",
      summary: "What a model is, and how busy",
      request: { params },
      responses: { 200: { description: "The model", content: model }, ...missing },
      answer: (c) => c.json(describeModel(find(c), deps), 200),
    },
    delete: {
      id: "remove_model",
      summary: "Unload a model, once it has drawn what it was asked for",
      description: "The default model stays; another can take its place by POST /models with replace.",
      right: "jobs",
      request: { params },
      responses: {
        204: { description: "No request can name it any more" },
        ...missing,
        409: problemResponse(409, "It is the default model"),
        ...problemResponses(503),
      },
      answer: (c) => {
        serving.remove(find(c).name);
        return c.body(null, 204);
      },
    },
  }, options);
};
