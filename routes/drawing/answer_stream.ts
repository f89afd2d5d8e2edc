import type { Context } from "hono";
import { eventStream } from "../events/event_stream.ts";
import { CalledOffError, explain } from "../failures.ts";
import { encodeDocument } from "../output/encode_drawing.ts";
import { problemBody } from "../problem.ts";
import type { DrawingDependencies } from "./dependencies.ts";
import type { Running } from "./draw.ts";

/** Streams what happens to a drawing, and its end; a reader that goes away ends it. */
export const answerStream = (
  c: Context,
  { events, drawing, cancel }: Running,
  { encoder, log, onStream, headers }:
    & Pick<DrawingDependencies, "encoder" | "log" | "onStream">
    & { headers: Readonly<Record<string, string>> },
): Response => {
  const id = c.get("requestId");
  const finish = async () => {
    try {
      events.append("done", await encodeDocument(await drawing, encoder));
    } catch (error) {
      events.append("error", problemBody(explain(error, log, { id, path: c.req.path }), id));
    }
    events.end();
  };
  finish();
  onStream(1);
  const onEnd = () => {
    onStream(-1);
    cancel(new CalledOffError("the client went away"));
  };
  return c.body(eventStream(events, { onEnd }), 200, headers);
};
