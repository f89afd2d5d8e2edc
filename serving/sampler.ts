import type { EngineName } from "../engine/engine.ts";
import { openServing } from "./client.ts";
import type { ModelInfo } from "./model_info.ts";
import type { ResolvedSampling } from "./resolve.ts";

/** One served model. */
export interface Sampler {
  readonly info: ModelInfo;
  generate(sampling: ResolvedSampling, options?: { signal?: AbortSignal }): Promise<Float32Array>;
  readonly pending: number;
  readonly failure: Error | null;
  close(): void;
}

/** Serves one model. */
export const openSampler = async (
  { folder, engine, queue }: { folder: string; engine: EngineName | "auto"; queue?: number },
): Promise<Sampler> => {
  const serving = await openServing({ models: [folder], engine, queue });
  const [info] = serving.models;
  return {
    info,
    generate: (sampling, { signal } = {}) => serving.run(info.name, { kind: "generate", sampling }, { signal }),
    get pending() {
      return serving.stats[0].live + serving.stats[0].waiting;
    },
    get failure() {
      return serving.failure;
    },
    close: () => void serving.close(),
  };
};
