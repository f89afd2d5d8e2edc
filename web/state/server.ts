import { useEffect } from "preact/hooks";
import { apiKey } from "../api/key.ts";
import { isPassing, Problem } from "../api/problem.ts";
import { askJson } from "../api/request.ts";
import type { Health, Model } from "../api/types.ts";
import { createStore } from "./store.ts";

/** How the server is, as far as the page knows. */
export type ServerState = "unknown" | "ready" | "starting" | "restarting" | "failed" | "unreachable";

export const serverState = createStore<ServerState>("unknown");

/** What is loaded, the default model first; null until it is known. */
export const models = createStore<readonly Model[] | null>(null);

/** Why the models cannot be had; null while nothing is wrong. */
export const modelsProblem = createStore<Problem | null>(null);

const AWAY = 1000;
const WELL = 10_000;

let timer: ReturnType<typeof setTimeout> | undefined;
let looking: Promise<void> | null = null;

/** Fetches the list of models anew. */
export const loadModels = async (): Promise<void> => {
  try {
    models.set(await askJson<Model[]>("/models"));
    modelsProblem.set(null);
  } catch (error) {
    if (error instanceof Problem && !isPassing(error)) modelsProblem.set(error);
    else throw error;
  }
};

const check = async (): Promise<void> => {
  try {
    const health = await askJson<Health>("/health");
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
export const lookAtServer = (): Promise<void> => {
  clearTimeout(timer);
  looking ??= check().finally(() => {
    looking = null;
    timer = setTimeout(lookAtServer, serverState.value === "ready" ? WELL : AWAY);
  });
  return looking;
};

/** Resolves once the server can draw. */
export const whenReady = async (signal: AbortSignal): Promise<void> => {
  await lookAtServer();
  while (serverState.value !== "ready") {
    signal.throwIfAborted();
    await new Promise((resume) => setTimeout(resume, 250));
  }
  signal.throwIfAborted();
};

/** Looks after the server for as long as the page is there. */
export const useServer = (): void => {
  useEffect(() => {
    lookAtServer();
    const onReturn = () => document.visibilityState === "visible" && lookAtServer();
    document.addEventListener("visibilitychange", onReturn);
    const stop = apiKey.subscribe(() => {
      modelsProblem.set(null);
      models.set(null);
      lookAtServer();
    });
    return () => {
      clearTimeout(timer);
      stop();
      document.removeEventListener("visibilitychange", onReturn);
    };
  }, []);
};
