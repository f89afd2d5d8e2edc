import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { NoModelError, type Serving } from "../serving/serving.ts";
import { type Operation, problemResponse, problemResponses, resource } from "./http/resource.ts";
import type { ApiKey } from "./http/rights.ts";
import { describeModel, modelSchema, type ModelSources } from "./models/describe.ts";

/** What the resources of models need. */
export interface ModelDependencies {
  readonly serving: Serving;
  readonly sources: ModelSources;
  readonly keys: readonly ApiKey[];
  /** `POST /models`, where models can be added; then they can be removed as well. @default null */
  readonly addModel?: Operation | null;
}

const modelParams = z.object({
  name: z.string().openapi({ param: { name: "name", in: "path" }, description: "The model's name", example: "digits" }),
});
const modelProblems = { 404: problemResponse(404, "There is no such model") };
const modelContent = { "application/json": { schema: modelSchema } };

/** `/models`: what is loaded, and how busy it is; models come and go. */
export const modelRoutes = (app: OpenAPIHono, deps: ModelDependencies): void => {
  const { serving, keys, addModel = null } = deps;
  const options = { keys, right: "generate", tag: "Models" } as const;
  const find = (c: Context) => {
    const name = c.req.param("name")!;
    const found = serving.models.find((model) => model.name === name);
    if (!found) throw new NoModelError(`there is no model ${JSON.stringify(name)}; GET /models lists those there are`);
    return found;
  };

  const removeModel: Operation = {
    id: "removeModel",
    summary: "Unload a model, once it has drawn what it was asked for",
    description: "The default model stays; another can take its place by POST /models with replace.",
    right: "jobs",
    request: { params: modelParams },
    responses: {
      204: { description: "No request can name it any more" },
      ...modelProblems,
      409: problemResponse(409, "It is the default model"),
      ...problemResponses(503),
    },
    answer: (c) => {
      serving.remove(find(c).name);
      return c.body(null, 204);
    },
  };

  resource(app, "/models", {
    get: {
      id: "listModels",
      summary: "The models that are loaded",
      responses: {
        200: {
          description: "The default one first",
          content: { "application/json": { schema: z.array(modelSchema) } },
        },
      },
      answer: (c) => c.json(serving.models.map((info) => describeModel(info, deps)), 200),
    },
    ...(addModel === null ? {} : { post: addModel }),
  }, options);

  resource(app, "/models/{name}", {
    get: {
      id: "getModel",
      summary: "What a model is, and how busy",
      request: { params: modelParams },
      responses: { 200: { description: "The model", content: modelContent }, ...modelProblems },
      answer: (c) => c.json(describeModel(find(c), deps), 200),
    },
    ...(addModel === null ? {} : { delete: removeModel }),
  }, options);
};
