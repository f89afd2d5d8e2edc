import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import { type ScheduleName, SCHEDULES } from "../core/mod.ts";
import type { ApiKey } from "./access/keys.ts";
import { readInput } from "./input/read_input.ts";
import { resource } from "./resource.ts";
import { problemResponses } from "./responses.ts";
import { curveQuery, curveSchema, curvesOf } from "./schedules/curves.ts";
import { summaryOf, summarySchema } from "./schedules/names.ts";

const params = z.object({
  name: z.enum(SCHEDULES).openapi({ param: { name: "name", in: "path" }, example: "cosine" }),
});

const isSchedule = (name: string): name is ScheduleName => (SCHEDULES as readonly string[]).includes(name);

/** `/schedules`: the noise schedules by name, and their curves. */
export const scheduleRoutes = (app: OpenAPIHono, { keys }: { keys: readonly ApiKey[] }): void => {
  const options = { keys, right: "generate", tag: "Schedules" } as const;
  resource(app, "/schedules", {
    get: {
      id: "list_schedules",
      summary: "The noise schedules, and the parameters of each",
      responses: {
        200: { description: "By name", content: { "application/json": { schema: z.array(summarySchema) } } },
      },
      answer: (c) => c.json(SCHEDULES.map(summaryOf), 200),
    },
  }, options);
  resource(app, "/schedules/{name}", {
    get: {
      id: "get_schedule",
      summary: "The curves of a noise schedule",
      request: { params, query: curveQuery },
      responses: {
        200: { description: "T numbers a curve", content: { "application/json": { schema: curveSchema } } },
        ...problemResponses(404),
      },
      answer: async (c) => {
        const name = c.req.param("name")!;
        if (!isSchedule(name)) {
          throw new HTTPException(404, {
            message: `there is no schedule ${JSON.stringify(name)}: ${SCHEDULES.join(", ")} are there`,
          });
        }
        return c.json(curvesOf(name, await readInput(c, curveQuery, ["query"])), 200);
      },
    },
  }, options);
};
