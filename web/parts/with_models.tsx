import type { ComponentChildren } from "preact";
import { keyWanted, SITE_MODELS } from "../api/client.ts";
import type { Model } from "../api/types.ts";
import { models, modelsProblem } from "../state/server.ts";
import { useStore } from "../state/store.ts";
import { ErrorNotice, Notice } from "./notice.tsx";

/** Draws what needs a model once there is one, and says why where there is none. */
export const WithModels = ({ waiting, children }: {
  /** What is there meanwhile. */
  waiting?: ComponentChildren;
  children: (models: readonly Model[]) => ComponentChildren;
}) => {
  const loaded = useStore(models);
  const problem = useStore(modelsProblem);
  if (loaded !== null && loaded.length > 0) return <>{children(loaded)}</>;
  if (problem === null) {
    return (
      <div class="waiting">
        <Notice busy>{SITE_MODELS === null ? "Loading the models …" : "Fetching the models …"}</Notice>
        {waiting}
      </div>
    );
  }
  return (
    <div class="waiting">
      <ErrorNotice error={problem}>
        {problem.status === 401 && (
          <button
            type="button"
            class="main"
            onClick={() => keyWanted.set("This server requires a key.")}
          >
            Enter a key
          </button>
        )}
      </ErrorNotice>
    </div>
  );
};
