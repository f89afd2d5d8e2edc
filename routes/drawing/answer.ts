import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { encodeMultipart } from "../../formats/multipart.ts";
import type { ImageShape } from "../../formats/pixels.ts";
import type { CodecRunner } from "../codec/codec.ts";
import { streamSchema } from "../http/event_stream.ts";
import { type DoneFormat, type Format, FORMATS } from "../http/negotiate.ts";

/** Values of parameters as a request can give them. */
export type DrawingParameters = Readonly<Record<string, string | number | boolean>>;

/** What tells one image of a drawing from the others: its class, its λ, its timestep. */
export type DrawingItem = Readonly<Record<string, string | number>>;

/** What a drawing is made with; it stands in the headers of the answer and in its JSON. */
export interface DrawingHead {
  /** The resource that was asked: `generate`, `img2img` … */
  readonly task: string;
  /** The model's name. */
  readonly model: string;
  readonly engine: { readonly name: string; readonly version: string; readonly device: string };
  /** Every choice that was made, the seed among them: the same parameters make the same images. */
  readonly parameters: DrawingParameters;
}

/** Images that have been drawn. */
export interface Drawing {
  readonly head: DrawingHead;
  readonly shape: ImageShape;
  /** n·H·W·C, NHWC, in [-1, 1]. */
  readonly values: Float32Array<ArrayBuffer>;
  /** One entry an image. */
  readonly items: readonly DrawingItem[];
  /** Class of each image, by index; null where the images have none. */
  readonly labels: readonly number[] | null;
  /** Columns of the picture that shows all images; near the square root of their number by default. */
  readonly columns?: number;
  /** What was found out about the images, by name. */
  readonly measures: Readonly<Record<string, number>>;
  /** Its film: bytes n·H·W·C a frame. */
  readonly frames: readonly Uint8Array<ArrayBuffer>[];
  /** Seconds that it waited for its turn, and that it took then. */
  readonly seconds: { readonly waiting: number; readonly drawing: number };
}

/** A PNG as a `data:` URL, which every request that takes an image takes as one. */
export const pngUrl = (png: Uint8Array<ArrayBuffer>): string => `data:image/png;base64,${png.toBase64()}`;

/** A drawing as JSON. */
const drawingSchema = z.object({
  task: z.string(),
  model: z.string(),
  engine: z.object({ name: z.string(), version: z.string(), device: z.string() }),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .openapi({ description: "Every choice that was made: the same parameters make the same images" }),
  measures: z.record(z.string(), z.number()),
  seconds: z.object({ waiting: z.number(), drawing: z.number() }),
  images: z.array(z.object({
    label: z.string().optional().openapi({ description: "Its class" }),
    lambda: z.number().optional().openapi({ description: "λ of an interpolation" }),
    t: z.int().optional().openapi({
      description: "Timestep of a strip, counted from 0: the paper's t − 1; x_0 has none",
    }),
    image: z.string().openapi({ description: "PNG as a data: URL, which requests take as an image" }),
  })),
}).openapi("Drawing");

/** Says a drawing as JSON, with the URL of each image. */
const drawingDocument = (
  { head, measures, seconds, items }: Drawing,
  urls: readonly string[],
): z.output<typeof drawingSchema> => ({
  ...head,
  measures: { ...measures },
  seconds,
  images: items.map((item, i) => ({ ...item, image: urls[i] })),
});

const optionalHeader = (description: string) => z.string().optional().openapi({ description });

/** What is found out while a drawing is made; an event stream begins before that. */
const RESULT_HEADERS = {
  "denoise-mse": optionalHeader("Mean squared error of a reconstruction"),
  "content-location": optionalHeader("Where a GET makes the same images again"),
  "server-timing": optionalHeader("Milliseconds of waiting, sampling and encoding"),
};

/** Headers are kebab-case, as headers are: `jumpLength` is `denoise-jump-length`. */
const headerName = (parameter: string): string =>
  `denoise-${parameter.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Headers hold ASCII alone: anything else is percent-encoded. */
const headerValue = (value: string | number | boolean): string =>
  String(value).replace(/[^!-~]|%/g, encodeURIComponent);

/** Every choice that was made, as headers: all that makes the images again. */
export const parameterHeaders = ({ task, model, engine, parameters }: DrawingHead): Record<string, string> => ({
  "denoise-task": task,
  "denoise-model": headerValue(model),
  "denoise-engine": headerValue(engine.name),
  ...Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [headerName(name), headerValue(value)]),
  ),
  ...contentLocation({ task, model, parameters }),
});

/** Where a GET makes the same images again, for tasks that need nothing but parameters. */
const contentLocation = (
  { task, model, parameters }: { task: string; model: string; parameters: DrawingParameters },
): Record<string, string> => {
  if (task !== "generate") return {};
  const query = new URLSearchParams({ model });
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value));
  return { "content-location": `/generate?${query}` };
};

/** What was found out, and how long it took (Server-Timing). */
const drawingHeaders = ({ head, measures, seconds }: Drawing, encoding: number): Record<string, string> => {
  const times = { wait: seconds.waiting, sample: seconds.drawing, encode: encoding };
  return {
    ...parameterHeaders(head),
    ...Object.fromEntries(Object.entries(measures).map(([name, value]) => [headerName(name), String(value)])),
    "server-timing": Object.entries(times).map(([name, s]) => `${name};dur=${(s * 1000).toFixed(1)}`).join(", "),
  };
};

/** Fields that say how to answer, and not what. */
const NO_PARAMETERS = new Set(["model", "format", "frames", "timeoutSeconds"]);

/** What is said of every drawing, since it is either chosen or has a default. */
const isAlwaysSet = (name: string, field: z.ZodType): boolean =>
  name === "seed" || name === "steps" || field.safeParse(undefined).data !== undefined;

/**
 * How these headers stand in the OpenAPI description.
 *
 * @param images names of the fields that hold images
 */
export const describeHeaders = (schema: z.ZodObject, images: readonly string[]): z.ZodObject => {
  const text = (description: string) => z.string().openapi({ description });
  const parameters = Object.entries(schema.shape as Record<string, z.ZodType>)
    .filter(([name]) => !NO_PARAMETERS.has(name) && !images.includes(name))
    .map(([name, field]) =>
      isAlwaysSet(name, field)
        ? [headerName(name), text(`The parameter ${name}`)] as const
        : [headerName(name), text(`The parameter ${name}; absent where it was left out`).optional()] as const
    );
  return z.object({
    "denoise-task": text("What was asked"),
    "denoise-model": text("The model's name, percent-encoded where it is not ASCII"),
    "denoise-engine": text("Where the network ran"),
    ...Object.fromEntries(parameters),
    ...RESULT_HEADERS,
  });
};

/** Headers of any drawing: what is known of its parameters only when it is seen. */
export const describeAnyHeaders = (): z.ZodObject =>
  z.object({
    "denoise-task": z.string().openapi({
      description: "What was asked; the other denoise-… headers are its parameters",
    }),
    "denoise-model": z.string().openapi({ description: "The model's name, percent-encoded where it is not ASCII" }),
    "denoise-engine": z.string().openapi({ description: "Where the network ran" }),
    ...RESULT_HEADERS,
  });

/** Bytes or text of an answer, with the media type. */
interface EncodedDrawing {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly type: string;
}

/** A drawing as JSON. */
export const encodeDocument = async (drawing: Drawing, encoder: CodecRunner) =>
  drawingDocument(drawing, (await encoder.run("encodeEach", drawing.values, drawing.shape)).map(pngUrl));

/** Encodes a drawing in one of the formats; a film needs frames. */
const encodeDrawing = async (drawing: Drawing, format: DoneFormat, encoder: CodecRunner): Promise<EncodedDrawing> => {
  const { values, shape, columns, labels, items, frames } = drawing;
  const type = FORMATS[format];
  switch (format) {
    case "png":
      return { type, body: await encoder.run("encodePicture", values, shape, columns) };
    case "apng":
    case "gif":
      return { type, body: await encoder.run("encodeFilm", format, frames, shape, columns) };
    case "json":
      return { type, body: JSON.stringify(await encodeDocument(drawing, encoder)) };
    case "npy":
      return { type, body: await encoder.run("encodeArray", values, shape) };
    case "npz":
      return { type, body: await encoder.run("encodeArchive", values, shape, labels) };
    case "multipart": {
      const images = await encoder.run("encodeEach", values, shape);
      const parts = images.map((body, i) => ({
        headers: {
          "content-type": "image/png",
          "content-disposition": `inline; filename="${i}.png"`,
          ...Object.fromEntries(
            Object.entries(items[i]).map(([name, value]) => [`denoise-${name}`, encodeURIComponent(value)]),
          ),
        },
        body,
      }));
      return encodeMultipart(parts);
    }
  }
};

/** Answers with a drawing in a format, and with all that makes it again in the headers. */
export const answerDrawing = async (
  c: Context,
  drawing: Drawing,
  format: DoneFormat,
  { encoder, headers }: { encoder: CodecRunner; headers: Readonly<Record<string, string>> },
): Promise<Response> => {
  const started = performance.now();
  const { body, type } = await encodeDrawing(drawing, format, encoder);
  const seconds = (performance.now() - started) / 1000;
  return c.body(body, 200, { ...headers, ...drawingHeaders(drawing, seconds), "content-type": type });
};

/** How the events of a drawing stand in the OpenAPI description. */
export const drawingStreamSchema = (types: readonly string[]) =>
  streamSchema(
    types,
    "queued: position, the images before it; step: done of total over all images, step of steps of the last one, and " +
      "preview, the pictures x and x0 as data: URLs and the timestep counted from 0, in some; done: the drawing or the " +
      "prediction; error: the problem",
  );

const binary = z.string().openapi({ type: "string", format: "binary" });

const SCHEMAS: Partial<Record<Format, z.ZodType>> = {
  json: drawingSchema,
  "event-stream": drawingStreamSchema(["queued", "started", "step", "done", "error"]),
};

/** What a drawing may be answered with in these formats, by media type. */
export const describeContent = (formats: readonly Format[]): Record<string, { schema: z.ZodType }> =>
  Object.fromEntries(formats.map((format) => [FORMATS[format], { schema: SCHEMAS[format] ?? binary }]));
