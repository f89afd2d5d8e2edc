import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { createLog } from "../../../routes/http/log.ts";
import { FORMAT_NAMES, negotiate } from "../../../routes/http/negotiate.ts";
import { onError } from "../../../routes/http/problem.ts";

const app = new Hono().get("/", (c) => c.text(negotiate(c, FORMAT_NAMES)));
app.onError(onError(createLog("off")));

const chosen = async (accept: string | null) => {
  const response = await app.request("/", { headers: accept === null ? {} : { accept } });
  return response.status === 200 ? await response.text() : response.status;
};

Deno.test("negotiate weighs the ranges of an Accept header, and answers 406 if it takes nothing", async () => {
  const chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8";
  const chromeImage = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
  const cases: [accept: string | null, format: string | number][] = [
    [null, "png"],
    ["*/*", "png"],
    ["image/*", "png"],
    [chromeImage, "png"],
    [chrome, "png"],
    ["image/apng", "apng"],
    ["image/gif", "gif"],
    ["IMAGE/GIF", "gif"],
    ["image/gif;q=0.5, application/json;q=0.9", "json"],
    ["application/*, image/*;q=0.2", "json"],
    ["image/*, image/png;q=0.1", "gif"],
    ["image/*, image/png;q=0", "apng"],
    ["*/*;q=0.1, application/x-npz", "npz"],
    ["text/event-stream", "event-stream"],
    ["multipart/mixed;boundary=x", "multipart"],
    ["image/webp", 406],
    ["image/png;q=0", 406],
    ["*/*;q=0", 406],
    ["nonsense", 406],
  ];
  for (const [accept, format] of cases) assertEquals(await chosen(accept), format, `${accept}`);
});
