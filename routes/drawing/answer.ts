import type { Context } from "hono";
import type { Codec } from "../codec/client.ts";
import type { Drawing } from "../output/drawing.ts";
import { encodeDrawing } from "../output/encode_drawing.ts";
import type { DoneFormat } from "../output/formats.ts";
import { drawingHeaders } from "../output/headers.ts";

/** Answers with a drawing in a format, and with all that makes it again in the headers. */
export const answerDrawing = async (
  c: Context,
  drawing: Drawing,
  format: DoneFormat,
  { encoder, headers }: { encoder: Codec; headers: Readonly<Record<string, string>> },
): Promise<Response> => {
  const started = performance.now();
  const { body, type } = await encodeDrawing(drawing, format, encoder);
  const seconds = (performance.now() - started) / 1000;
  return c.body(body, 200, { ...headers, ...drawingHeaders(drawing, seconds), "content-type": type });
};
