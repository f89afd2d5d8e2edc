import { apiKey, Problem, serverUrl, SITE_MODELS } from "../api/client.ts";
import { closeDevice, openDevice } from "../api/device.ts";
import { loadDescription, loadModels, models, modelsProblem, serverState } from "./server.ts";
import { createStore } from "./store.ts";

/** Whether this browser draws by itself, or is about to. */
export const deviceState = createStore<"off" | "opening" | "on">("off");

/** Why it cannot; null while nothing is wrong. */
export const deviceProblem = createStore<Error | null>(null);

/** Weights of a model, beyond which it is too large to be drawn with here. */
const MOST_PARAMETERS = 16e6;

/** Whether all works without a network: a service worker keeps the site. */
export const worksOffline = createStore(false);

const namesHere = (): readonly string[] =>
  SITE_MODELS ?? (models.value ?? []).filter(({ parameters }) => parameters <= MOST_PARAMETERS).map(({ name }) => name);

/** Has this browser draw: its program and the models are fetched, after which no server is needed. */
export const startDevice = async (): Promise<void> => {
  deviceState.set("opening");
  deviceProblem.set(null);
  if (SITE_MODELS !== null) serverState.set("starting");
  try {
    const names = namesHere();
    if (names.length === 0) throw new Error("The models of this server are too large to be drawn with here.");
    const key = apiKey.value;
    await openDevice(serverUrl("page/app_worker.js"), {
      models: names.map((name) => ({ name, files: serverUrl(`models/${encodeURIComponent(name)}/files`) })),
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
    });
    deviceState.set("on");
    await loadModels();
    serverState.set("ready");
    await loadDescription();
    if (SITE_MODELS !== null) keepSite();
  } catch (error) {
    deviceState.set("off");
    deviceProblem.set(error as Error);
    if (SITE_MODELS === null) return;
    serverState.set("failed");
    modelsProblem.set(new Problem(503, (error as Error).message));
  }
};

/** Has the server draw again. */
export const stopDevice = async (): Promise<void> => {
  closeDevice();
  deviceState.set("off");
  await loadModels().catch(() => serverState.set("unreachable"));
  await loadDescription().catch(() => {});
};

const keepSite = async (): Promise<void> => {
  try {
    await navigator.serviceWorker.register(serverUrl("service_worker.js"));
    await navigator.serviceWorker.ready;
    worksOffline.set(true);
  } catch {
    // Where the browser keeps nothing, or the page is not secure, the site works as long as it is open.
  }
};
