import { z } from "@hono/zod-openapi";
import { answerDrawing } from "../drawing/answer.ts";
import type { DrawingDependencies } from "../drawing/dependencies.ts";
import { describeContent } from "../drawing/describe.ts";
import { readInput } from "../input/read_input.ts";
import { type DoneFormat, FORMAT_NAMES, isFilm } from "../output/formats.ts";
import { describeAnyHeaders } from "../output/headers.ts";
import { negotiate } from "../output/negotiate.ts";
import { problem } from "../problem.ts";
import type { Operation } from "../resource.ts";
import { problemResponse, problemResponses } from "../responses.ts";
import { find, params } from "./context.ts";

const DONE_FORMATS = FORMAT_NAMES.filter((format): format is DoneFormat => format !== "event-stream");

const query = z.strictObject({
  format: z.enum(DONE_FORMATS as [DoneFormat, ...DoneFormat[]]).optional()
    .openapi({ description: "Format of the answer, over what the Accept header says. Default: as it was ordered" }),
});

/** `GET /predictions/{id}/result`: the images of a prediction. */
export const predictionResult = (
  { predictions, encoder }: Pick<DrawingDependencies, "predictions" | "encoder">,
): Operation => ({
  id: "prediction_result",
  summary: "The images of a prediction",
  request: { params, query },
  responses: {
    200: { description: "The images", content: describeContent(DONE_FORMATS), headers: describeAnyHeaders() },
    409: problemResponse(409, "It has no images: it is under way, failed or was canceled"),
    ...problemResponses(404, 406, 500),
  },
  answer: async (c) => {
    const { end, format: preferred, id } = find(predictions, c);
    const { format: asked } = await readInput(c, query, ["query"]);
    if (end?.outcome.status !== "succeeded") {
      const state = end === null ? "is under way" : end.outcome.status === "canceled" ? "was canceled" : "failed";
      return problem(c, 409, `the prediction ${JSON.stringify(id)} ${state}`);
    }
    const { drawing } = end.outcome;
    const possible = DONE_FORMATS.filter((format) => drawing.frames.length > 0 || !isFilm(format));
    const offered = [preferred, ...possible.filter((format) => format !== preferred)];
    const format = negotiate(c, offered, asked);
    if (!offered.includes(format)) {
      return problem(c, 406, "no film was kept of this prediction: give frames when it is made");
    }
    return await answerDrawing(c, drawing, format, { encoder, headers: { vary: "accept" } });
  },
});
