import { assert, assertEquals, assertMatch } from "@std/assert";
import { z } from "zod";
import { asJson, until, withServer } from "./with_server.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const METHODS = ["get", "post", "put", "delete"];

const described = async (origin: string): Promise<Any> => await (await fetch(`${origin}/openapi.json`)).json();

/** Every operation, with its path and method. */
const operationsOf = (document: Any): { path: string; method: string; operation: Any }[] =>
  Object.entries<Any>(document.paths).flatMap(([path, item]) =>
    Object.entries<Any>(item).filter(([method]) => METHODS.includes(method))
      .map(([method, operation]) => ({ path, method, operation }))
  );

/** Checks that an answer is one that its operation describes: status, type, and the headers that are always there. */
const checkAnswer = (operation: Any, response: Response, at: string) => {
  const answer = operation.responses[response.status];
  assert(answer, `${at}: ${response.status} is not described`);
  const type = response.headers.get("content-type")?.split(";")[0] ?? null;
  if (answer.content) assert(type !== null && type in answer.content, `${at}: ${type} is not described`);
  else assertEquals(type, null, at);
  for (const [name, header] of Object.entries<Any>(answer.headers ?? {})) {
    if (header.required) assert(response.headers.has(name), `${at}: ${name} is missing`);
  }
};

const inline = (schema: Any, document: Any): string =>
  JSON.stringify(
    schema,
    (_, part) =>
      part?.$ref ? JSON.parse(inline(document.components.schemas[part.$ref.split("/").at(-1)], document)) : part,
  );

/** JSON Schema as Zod reads it, references to components within it resolved. */
const schemaOf = (schema: Any, document: Any) => z.fromJSONSchema(JSON.parse(inline(schema, document)));

Deno.test("the description: every operation has a name of its own, words, and its problems described", () =>
  withServer(async ({ origin }) => {
    const document = await described(origin);
    // A part is null where it is used; what it names never is.
    for (const [name, { type }] of Object.entries<Any>(document.components.schemas)) assertEquals(type, "object", name);
    const operations = operationsOf(document);
    const ids = operations.map(({ operation }) => operation.operationId);
    assertEquals(new Set(ids).size, operations.length);
    const isCamelCase = (name: string) => /^[a-z][a-z0-9]*([A-Z][a-z0-9]*)*$/.test(name);
    assertEquals(ids.filter((id) => !isCamelCase(id)), []);
    for (const { path, method, operation } of operations) {
      const at = `${method} ${path}`;
      assert(operation.summary && operation.tags.length === 1, at);
      const parameters = (operation.parameters ?? []).filter((parameter: Any) => parameter.in !== "header");
      for (const { name } of parameters) assert(isCamelCase(name), `${at}: ${name} is not camelCase`);
      const bodies = Object.values<Any>(operation.requestBody?.content ?? {})
        .map(({ schema }) => JSON.parse(inline(schema, document)));
      for (const { properties = {}, required } of bodies) {
        for (const name of Object.keys(properties)) assert(isCamelCase(name), `${at}: ${name} is not camelCase`);
        assertEquals(required, bodies[0].required, at);
      }
      assert(operation.responses[422], at);
      if (operation.requestBody) {
        for (const status of [400, 413, 415]) assert(operation.responses[status], `${at} ${status}`);
      }
      if (path.includes("{")) assert(operation.responses[404] ?? method === "put", at);
      for (const [status, { headers, content }] of Object.entries<Any>(operation.responses)) {
        for (const name of Object.keys(headers)) assertMatch(name, /^[a-z]+(-[a-z]+)*$/, at);
        assert(headers["x-request-id"].required, `${at} ${status}`);
        const stream = content?.["text/event-stream"];
        if (stream) assertEquals(Object.keys(stream.schema), ["description"], `${at} ${status}`);
        if (Number(status) >= 400) assertEquals(Object.keys(content), ["application/problem+json"], `${at} ${status}`);
        if (status === "429" || status === "503") assert(headers["retry-after"].required, `${at} ${status}`);
      }
    }
  }));

Deno.test("the description: what its page fills in is answered as it says, and shows an image where one is drawn", () =>
  withServer(async ({ origin }) => {
    const document = await described(origin);
    const fill = (path: string) =>
      path.replace("{id}", "my-digits-1").replace("{name}", path.startsWith("/models") ? "digits" : "cosine")
        .replace("{file}", "unet~config.json");
    // What can be asked for has to be there first.
    const order = ["put", "get", "post", "delete"];
    const rankOf = ({ path, method }: { path: string; method: string }) =>
      path === "/models" ? -1 : order.indexOf(method);
    // What trains has options of this test's own.
    const operations = operationsOf(document).filter(({ path }) => !/^\/(jobs|recipe)/.test(path))
      .sort((a, b) => rankOf(a) - rankOf(b));
    for (const { path, method, operation } of operations) {
      const at = `${method} ${path}`;
      if (path === "/predictions/{id}/result") {
        const url = `${origin}/predictions/my-digits-1`;
        await until(async () => (await (await fetch(url)).json()).state, (state) => state === "succeeded");
      }
      const filledIn = (place: string) =>
        (operation.parameters ?? []).filter((parameter: Any) => parameter.in === place)
          .map(({ name, schema }: Any) => [name, schema.example ?? schema.default])
          .filter(([, value]: Any) => value !== undefined);
      const [type, content] = Object.entries<Any>(operation.requestBody?.content ?? {})[0] ?? [];
      const url = `${origin}${fill(path)}?${new URLSearchParams(filledIn("query"))}`;
      const headers = { accept: "*/*", ...Object.fromEntries(filledIn("header")) };
      const init = { method: method.toUpperCase(), headers };
      if (content) assert(type === "application/json" && content.example, at);
      const response = await fetch(url, content ? asJson(content.example, init) : init);
      if (operation.tags[0] === "Images") assertEquals(response.headers.get("content-type"), "image/png", at);
      const body = await response.bytes();
      const text = new TextDecoder().decode(body);
      assert(response.ok, `${at}: ${response.status} ${text.slice(0, 500)}`);
      checkAnswer(operation, response, at);
      const json = operation.responses[response.status].content?.["application/json"];
      if (!json || !response.headers.get("content-type")!.startsWith("application/json")) continue;
      const checked = schemaOf(json.schema, document).safeParse(JSON.parse(text));
      assert(checked.success, `${at}: ${checked.error?.message}\n${text.slice(0, 500)}`);
    }
  }));
