import { useEffect } from "preact/hooks";
import { apiKey, isTransient, Problem, requestJson, SITE_MODELS } from "../api/client.ts";
import { isDeviceOpen } from "../api/device.ts";
import type { Health, Model } from "../api/types.ts";
import { createStore } from "./store.ts";

/** How the server is, as far as the page knows. */
export type ServerState = "unknown" | "ready" | "starting" | "restarting" | "failed" | "unreachable";

export const serverState = createStore<ServerState>("unknown");

/** What is loaded, the default model first; null until it is known. */
export const models = createStore<readonly Model[] | null>(null);

/** Why the models cannot be had; null while nothing is wrong. */
export const modelsProblem = createStore<Problem | null>(null);

const AWAY_INTERVAL = 1000;
const READY_INTERVAL = 10_000;

let timer: ReturnType<typeof setTimeout> | undefined;
let checking: Promise<void> | null = null;

/** Fetches the list of models anew. */
export const loadModels = async (): Promise<void> => {
  try {
    models.set(await requestJson<Model[]>("/models"));
    modelsProblem.set(null);
  } catch (error) {
    if (error instanceof Problem && !isTransient(error)) modelsProblem.set(error);
    else throw error;
  }
};

const fetchState = async (): Promise<void> => {
  try {
    const health = await requestJson<Health>("/health");
    const names = models.value?.map(({ name }) => name).join("\n");
    const isNew = names !== health.models.join("\n");
    if (health.serving === "ready" && modelsProblem.value === null && (isNew || serverState.value !== "ready")) {
      await loadModels();
    }
    serverState.set(health.serving);
  } catch {
    serverState.set("unreachable");
  }
};

/** Looks now how the server is, and then every so often: sooner while it is away. */
export const checkServer = (): Promise<void> => {
  // A site without one has what it says itself.
  if (SITE_MODELS !== null && !isDeviceOpen()) return Promise.resolve();
  clearTimeout(timer);
  checking ??= fetchState().finally(() => {
    checking = null;
    timer = setTimeout(checkServer, serverState.value === "ready" ? READY_INTERVAL : AWAY_INTERVAL);
  });
  return checking;
};

/** Resolves once the server can draw. */
export const whenReady = async (signal: AbortSignal): Promise<void> => {
  await checkServer();
  while (serverState.value !== "ready") {
    signal.throwIfAborted();
    await new Promise((resume) => setTimeout(resume, 250));
  }
  signal.throwIfAborted();
};

/** Looks after the server for as long as the page is there. */
export const useServer = (): void => {
  useEffect(() => {
    checkServer();
    const onReturn = () => document.visibilityState === "visible" && checkServer();
    document.addEventListener("visibilitychange", onReturn);
    const stop = apiKey.subscribe(() => {
      modelsProblem.set(null);
      models.set(null);
      checkServer();
    });
    return () => {
      clearTimeout(timer);
      stop();
      document.removeEventListener("visibilitychange", onReturn);
    };
  }, []);
};

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
interface ServerDescription {
  /** Images of one request. */
  readonly maxImages: number;
  /** Denoising steps of one request, over all models. */
  readonly maxSteps: number;
  /** The options of a training job. */
  readonly job: Readonly<Record<string, FieldSchema>>;
}

interface OpenApi {
  readonly paths: Record<
    string,
    undefined | {
      readonly get?: { readonly parameters?: readonly { readonly name: string; readonly schema: FieldSchema }[] };
      readonly post?: {
        readonly requestBody: {
          readonly content: Record<string, { readonly schema: { readonly properties?: Record<string, FieldSchema> } }>;
        };
      };
    }
  >;
}

/** Null until it is known. */
export const serverDescription = createStore<ServerDescription | null>(null);

/** Fetches what can be asked of the server. */
export const loadDescription = async (): Promise<void> => {
  const { paths } = await requestJson<OpenApi>("/openapi.json");
  const maximum = (name: string, otherwise: number) =>
    paths["/generate"]?.get?.parameters?.find((parameter) => parameter.name === name)?.schema.maximum ?? otherwise;
  serverDescription.set({
    maxImages: maximum("n", 64),
    maxSteps: maximum("steps", 1000),
    job: paths["/jobs"]?.post?.requestBody.content["application/json"].schema.properties ?? {},
  });
};
