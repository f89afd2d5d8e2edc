import { assertEquals, assertInstanceOf } from "@std/assert";
import { Hono } from "hono";
import { z } from "zod";
import { CanceledError } from "../../../routes/http/problem.ts";
import { readInput } from "../../../routes/http/read_input.ts";

/** What `readInput` throws of a body that breaks off with this error. */
const thrownOf = async (error: Error): Promise<unknown> => {
  const app = new Hono();
  let thrown: unknown;
  app.post("/", (c) => readInput(c, z.strictObject({}), ["json"]).then(() => c.text("read")));
  app.onError((error, c) => {
    thrown = error;
    return c.text("failed");
  });
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
    pull: (controller) => controller.error(error),
  });
  await app.request("/", { method: "POST", headers: { "content-type": "application/json" }, body });
  return thrown;
};

Deno.test("readInput says that the client went away where the body's connection is gone", async () => {
  const thrown = await thrownOf(new Deno.errors.BadResource("gone"));
  assertInstanceOf(thrown, CanceledError);
  assertInstanceOf(thrown.cause, Deno.errors.BadResource);
});

Deno.test("readInput throws what else comes of reading a body as it is", async () => {
  const error = new Error("something else");
  assertEquals(await thrownOf(error), error);
});
