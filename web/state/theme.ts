import { createStore } from "./store.ts";

/** What the page looks like: as the system says, unless the reader chose. */
type Theme = "light" | "dark";

const THEME_NAME = "denoise-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

const chosen = (): Theme | null => {
  const stored = localStorage.getItem(THEME_NAME);
  return stored === "light" || stored === "dark" ? stored : null;
};

const current = (): Theme => chosen() ?? (system.matches ? "dark" : "light");

export const theme = createStore<Theme>(current());

const show = () => {
  document.documentElement.dataset.theme = current();
  theme.set(current());
};

system.addEventListener("change", show);
show();

/** Chooses; what the system says anyway is not kept, so that the page follows it again. */
export const chooseTheme = (next: Theme): void => {
  if (next === (system.matches ? "dark" : "light")) localStorage.removeItem(THEME_NAME);
  else localStorage.setItem(THEME_NAME, next);
  show();
};
