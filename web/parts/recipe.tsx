import { useState } from "preact/hooks";
import type { RecipeAnswer } from "../api/types.ts";
import { Checkbox } from "./fields.tsx";

const OPTION_TITLES: Readonly<Record<string, string>> = { lr: "Learning rate", ema: "EMA decays", timesteps: "T" };

/** `checkpointEvery` as `Checkpoint every`. */
export const optionTitle = (name: string): string => {
  const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return OPTION_TITLES[name] ?? words[0].toUpperCase() + words.slice(1);
};

/** What a value of null stands for, where it is not what the data say. */
const LEFT_OPEN: Readonly<Record<string, string>> = { init: "none", microBatch: "the batch", preset: "none" };

/** An option's value as it is read. */
export const optionText = (name: string, value: unknown): string => {
  if (value === null || value === undefined) return LEFT_OPEN[name] ?? "the data’s";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return Array.isArray(value) ? value.join(", ") : String(value);
};

/** A run's recipe, every option of it; what was chosen stands out. */
export const RecipeList = ({ recipe, given }: RecipeAnswer) => (
  <>
    <p class="hint">
      Every option of this run. <strong>Bold</strong> ones were chosen, the others are the preset’s and the defaults.
    </p>
    <dl class="options">
      {Object.entries(recipe).map(([name, value]) => (
        <div key={name} class={given.includes(name) ? "is-given" : undefined}>
          <dt>{optionTitle(name)}</dt>
          <dd>{optionText(name, value)}</dd>
        </div>
      ))}
    </dl>
  </>
);

/** Recipes side by side: what differs, or all. */
export const RecipeTable = ({ runs }: { runs: readonly (RecipeAnswer & { readonly id: string })[] }) => {
  const [showsAll, showAll] = useState(false);
  const names = Object.keys(runs[0].recipe);
  const differs = (name: string) => new Set(runs.map(({ recipe }) => JSON.stringify(recipe[name]))).size > 1;
  const shown = showsAll ? names : names.filter(differs);
  return (
    <div class="recipes">
      <Checkbox label="Also show options that agree" value={showsAll} onChange={showAll} />
      {shown.length === 0
        ? <p class="hint">The recipes agree in every option.</p>
        : (
          <div class="scrolling" tabIndex={0} role="region" aria-label="Recipes side by side">
            <table>
              <thead>
                <tr>
                  <th scope="col">Option</th>
                  {runs.map(({ id }) => <th key={id} scope="col">{id}</th>)}
                </tr>
              </thead>
              <tbody>
                {shown.map((name) => (
                  <tr key={name} class={differs(name) ? "differs" : undefined}>
                    <th scope="row">{optionTitle(name)}</th>
                    {runs.map(({ id, recipe }) => <td key={id}>{optionText(name, recipe[name])}</td>)}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
    </div>
  );
};
