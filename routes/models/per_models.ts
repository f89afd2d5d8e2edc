import type { ModelInfo } from "../../sampling/loaded_model.ts";
import type { Serving } from "../../serving/serving.ts";

/** Gives what depends on the models that there are: made when it is first asked for, and anew when they have changed. */
export const perModels = <T>(
  serving: Pick<Serving, "models">,
  make: (models: readonly ModelInfo[]) => T,
): () => T => {
  let last: { readonly models: readonly ModelInfo[]; readonly made: T } | null = null;
  return () => {
    const { models } = serving;
    if (last?.models !== models) last = { models, made: make(models) };
    return last.made;
  };
};
