import { createStore } from "../state/store.ts";

const NAME = "denoise-key";

/** The key that goes with every request, for as long as the tab is open; null without one. */
export const apiKey = createStore<string | null>(sessionStorage.getItem(NAME));

/** Why a key is asked for; null while none is. */
export const keyWanted = createStore<string | null>(null);

/** Keeps a key; null forgets it. */
export const setKey = (key: string | null): void => {
  if (key === null) sessionStorage.removeItem(NAME);
  else sessionStorage.setItem(NAME, key);
  apiKey.set(key);
  keyWanted.set(null);
};
