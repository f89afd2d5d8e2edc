import { useState } from "preact/hooks";

let last = 0;

/** An id that no other element of the page has, whichever root of Preact's it is drawn by; `useId` counts in each anew. */
export const useUniqueId = (): string => useState(() => `id-${++last}`)[0];
