import { SAMPLERS } from "../../core/mod.ts";
import type { Model } from "../api/types.ts";
import { serverDescription } from "../state/server.ts";
import { useStore } from "../state/store.ts";
import { NumberField, Select } from "./fields.tsx";
import { issueOf } from "./notice.tsx";

/** What the samplers are called by those who know them. */
const SAMPLER_NAMES: Readonly<Record<string, string>> = {
  ddpm: "DDPM",
  ddim: "DDIM",
  heun: "Heun",
  "dpmsolver++": "DPM-Solver++",
};

/** The sampling parameters that tabs keep in the address. */
interface SamplingQuery {
  readonly model: string;
  readonly sampler: string;
  readonly steps: string;
  readonly seed: string;
  readonly label: string;
  readonly guidance: string;
}

export const SAMPLING_DEFAULTS = {
  model: "",
  sampler: "ddim",
  steps: "50",
  seed: "",
  label: "",
  guidance: "1",
} as const;

/** A seed that is easily read out. */
export const anySeed = (): string => String(crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000);

/** The model that is meant: the default one where none is named, or none of that name is loaded. */
export const modelOf = (name: string, models: readonly Model[]): Model =>
  models.find((model) => model.name === name) ?? models[0];

/** Steps of a picture that is drawn unasked: few, so that it is there soon on any engine. */
export const EXAMPLE_STEPS = 12;

/** What is asked of the model, as a request's body has it; what does not fit the model is left out. */
export const samplingBody = (
  { sampler, steps, label, guidance }: Omit<SamplingQuery, "seed" | "model">,
  model: Model,
): Record<string, unknown> => ({
  model: model.name,
  sampler,
  steps: steps === "" ? undefined : Number(steps),
  ...(model.labels !== null && label !== "" ? { label } : {}),
  ...(model.guidance && guidance !== "" ? { guidance: Number(guidance) } : {}),
});

/** The fields of sampling that all drawing tabs have. */
export const SamplingFields = ({ value, model, models, error, onChange, samplers = SAMPLERS, unlabelled }: {
  value: SamplingQuery;
  model: Model;
  models: readonly Model[];
  error: Error | null;
  onChange: (changes: Partial<SamplingQuery>) => void;
  samplers?: readonly string[];
  /** What is drawn where no class is chosen. */
  unlabelled: string;
}) => {
  const most = Math.min(model.timesteps, useStore(serverDescription)?.maxSteps ?? Infinity);
  const wrong = (field: string) => issueOf(error, field);
  return (
    <>
      <Select
        label="Model"
        isWide
        value={model.name}
        options={models.map(({ name }) => name)}
        error={wrong("model")}
        onChange={(name) => onChange({ model: name, label: "" })}
      />
      {model.labels !== null && (
        <Select
          label="Class"
          isWide
          value={value.label}
          options={[["", unlabelled] as const, ...model.labels]}
          error={wrong("label")}
          onChange={(label) => onChange({ label })}
        />
      )}
      <Select
        label="Sampler"
        value={value.sampler}
        options={samplers.map((name) => [name, SAMPLER_NAMES[name] ?? name] as const)}
        error={wrong("sampler")}
        onChange={(sampler) => onChange({ sampler })}
      />
      <NumberField
        label="Steps"
        value={value.steps}
        min={1}
        max={most}
        error={wrong("steps")}
        onChange={(steps) => onChange({ steps })}
      />
      <div class="with-button">
        <NumberField
          label="Seed"
          value={value.seed}
          min={0}
          placeholder="any"
          error={wrong("seed")}
          onChange={(seed) => onChange({ seed })}
        />
        <button
          type="button"
          class="quiet"
          aria-label="Another seed"
          title="Another seed"
          onClick={() => onChange({ seed: anySeed() })}
        >
          ↻
        </button>
      </div>
      {model.guidance && (
        <NumberField
          label="Guidance"
          value={value.guidance}
          min={0}
          max={20}
          step={0.5}
          error={wrong("guidance")}
          onChange={(guidance) => onChange({ guidance })}
        />
      )}
    </>
  );
};
