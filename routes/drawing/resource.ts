import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { describeBody } from "../input/body.ts";
import type { Source } from "../input/read_input.ts";
import { perModels } from "../models/per_models.ts";
import { FORMAT_NAMES } from "../output/formats.ts";
import { type Operation, resource } from "../resource.ts";
import type { DrawingTask } from "../tasks/task.ts";
import type { DrawingDependencies } from "./dependencies.ts";
import { describeAnswers } from "./describe.ts";
import { respond } from "./respond.ts";

const headers = z.object({
  prefer: z.string().optional()
    .openapi({ description: "respond-async makes a prediction of it", examples: ["respond-async"] }),
});

/** Mounts a resource that draws: by GET with its parameters in the query, by POST with them in the body. */
export const drawingResource = (
  app: OpenAPIHono,
  path: string,
  tasks: { readonly get?: DrawingTask; readonly post: DrawingTask },
  deps: DrawingDependencies,
): void => {
  const { serving, limits, keys } = deps;
  const operation = (method: "get" | "post", task: DrawingTask): Operation => {
    const { name, summary, description, images, example } = task;
    const schemaNow = perModels(serving, (models) => task.fields({ models, limits }));
    const schema = schemaNow();
    const hasBody = method === "post";
    const sources: readonly Source[] = !hasBody ? ["query"] : images.length === 0 ? ["json"] : ["form", "json"];
    return {
      id: hasBody ? name : `get_${name}`,
      summary,
      description,
      request: hasBody ? { body: describeBody(schema, images, example), headers } : { query: schema, headers },
      responses: describeAnswers(task, schema, { formats: FORMAT_NAMES, hasBody }),
      maxBody: images.length === 0 ? limits.bodyBytes : limits.imageBytes,
      answer: (c) => respond(c, task, { schema: schemaNow(), sources }, deps),
    };
  };
  const operations = {
    ...(tasks.get ? { get: operation("get", tasks.get) } : {}),
    post: operation("post", tasks.post),
  };
  resource(app, path, operations, { keys, right: "generate", tag: "Images" });
};
