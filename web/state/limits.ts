import { askJson } from "../api/request.ts";
import { createStore } from "./store.ts";

/** A field of a request, as the OpenAPI description has it. */
export interface FieldSchema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly default?: unknown;
  readonly items?: FieldSchema;
}

/** What the server says that can be asked of it. */
export interface Description {
  /** Images of one request. */
  readonly maxImages: number;
  /** Denoising steps of one request, over all models. */
  readonly maxSteps: number;
  /** The options of a training job. */
  readonly job: Readonly<Record<string, FieldSchema>>;
}

interface OpenApi {
  readonly paths: Record<string, {
    readonly get?: { readonly parameters?: readonly { readonly name: string; readonly schema: FieldSchema }[] };
    readonly post?: {
      readonly requestBody: {
        readonly content: Record<string, { readonly schema: { readonly properties?: Record<string, FieldSchema> } }>;
      };
    };
  }>;
}

/** Null until it is known. */
export const description = createStore<Description | null>(null);

/** Fetches what can be asked of the server. */
export const loadDescription = async (): Promise<void> => {
  const { paths } = await askJson<OpenApi>("/openapi.json");
  const maximum = (name: string, otherwise: number) =>
    paths["/generate"].get?.parameters?.find((parameter) => parameter.name === name)?.schema.maximum ?? otherwise;
  description.set({
    maxImages: maximum("n", 64),
    maxSteps: maximum("steps", 1000),
    job: paths["/jobs"].post?.requestBody.content["application/json"].schema.properties ?? {},
  });
};
