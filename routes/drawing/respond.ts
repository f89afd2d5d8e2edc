import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { clientOf, type Place } from "../access/clients.ts";
import { CalledOffError, StoppingError } from "../failures.ts";
import { parseBody } from "../input/parse_body.ts";
import { readInput, type Source } from "../input/read_input.ts";
import { type DoneFormat, type Format, FORMAT_NAMES, FORMATS } from "../output/formats.ts";
import { headHeaders } from "../output/headers.ts";
import { negotiate } from "../output/negotiate.ts";
import { predictionDocument } from "../predictions/document.ts";
import { startPrediction } from "../predictions/start.ts";
import type { DrawingTask } from "../tasks/task.ts";
import { answerDrawing } from "./answer.ts";
import { answerStream } from "./answer_stream.ts";
import type { DrawingDependencies } from "./dependencies.ts";
import { draw, type Running } from "./draw.ts";
import { framesOf, makeOrder, type Order } from "./order.ts";

const prefersAsync = (c: Context): boolean => /(^|,)\s*respond-async\s*($|[,;])/i.test(c.req.header("prefer") ?? "");

const respondLater = async (
  c: Context,
  order: Order,
  { format, place }: { format: DoneFormat; place: Place },
  deps: DrawingDependencies,
): Promise<Response> => {
  const id = crypto.randomUUID();
  const settings = { id, owner: c.get("key") ?? null, fingerprint: null, format, place };
  const prediction = await startPrediction(order, settings, deps);
  return c.json(predictionDocument(prediction, deps.predictions.expiry(prediction)), 202, {
    location: `/predictions/${id}`,
    "preference-applied": "respond-async",
  });
};

/** Gives a drawing up when the client goes away, until it is disposed. */
const untilGone = (c: Context, { cancel }: Running): Disposable => {
  const { signal } = c.req.raw;
  const onGone = () => cancel(new CalledOffError("the client went away"));
  signal.addEventListener("abort", onGone, { once: true });
  if (signal.aborted) onGone();
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", onGone) };
};

/**
 * Answers a request for images: with them, with the stream of what happens to them, or at once with a prediction. Whatever
 * ends the request takes its images out of the queue.
 *
 * @param reading.schema what `task.fields` gives
 */
export const respond = async (
  c: Context,
  task: DrawingTask,
  { schema, sources }: { schema: z.ZodObject; sources: readonly Source[] },
  deps: DrawingDependencies,
): Promise<Response> => {
  if (deps.stopping.aborted) throw new StoppingError("the server is stopping");
  using places = new DisposableStack();
  const place = places.use(deps.clients.take(clientOf(c)));
  const parseElsewhere: typeof parseBody = (...body) => deps.decoder.run("parseBody", ...body);
  const parse = task.images.length === 0 ? parseBody : parseElsewhere;
  const input = await readInput(c, schema, sources, { parse });
  const format = negotiate(c, FORMAT_NAMES, input.format as Format | undefined);
  const order = await makeOrder(task, input, deps);
  c.set("drawn", { task: task.name, model: order.model.name, parameters: order.head.parameters });

  const headers = { ...headHeaders(order.head), "cache-control": "no-store", vary: "accept, prefer" };
  if (c.req.method === "HEAD") return c.body(null, 200, { ...headers, "content-type": FORMATS[format] });
  const isStream = format === "event-stream";
  if (prefersAsync(c) && !isStream) {
    places.move();
    return await respondLater(c, order, { format, place }, deps);
  }
  const running = draw(order, deps, { id: c.get("requestId"), frames: framesOf(order, format), shown: isStream });
  if (!isStream) {
    using _ = untilGone(c, running);
    return await answerDrawing(c, await running.drawing, format, { encoder: deps.encoder, headers });
  }
  untilGone(c, running);
  await running.begun;
  places.move();
  running.drawing.catch(() => {}).finally(() => place[Symbol.dispose]());
  return answerStream(c, running, { ...deps, headers: { ...headers, "content-type": FORMATS[format] } });
};
