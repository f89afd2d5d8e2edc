import type { OpenAPIHono } from "@hono/zod-openapi";
import { problem } from "./problem.ts";

/** Answers 405 to any method that no route before has taken. */
export const allowOnly = (app: OpenAPIHono, path: string, methods: readonly string[]): void => {
  const allow = methods.join(", ");
  app.all(path, (c) => problem(c, 405, `${c.req.method} is not allowed here, ${allow} is`, { headers: { allow } }));
};
