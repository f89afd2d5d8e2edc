import { join } from "@std/path";
import { parse, stringify } from "@std/yaml";
import { type SamplerName, SAMPLERS } from "../core/plan.ts";
import type { FileReader } from "../files/reader.ts";
import { quoteText, quoteValue } from "./error.ts";

/** How a model's author would have it sampled; what is left out is said nowhere. */
export interface Recommendation {
  readonly sampler?: SamplerName;
  /** Of that sampler; of `ddpm` where none is named. */
  readonly steps?: number;
  /** DDIM's, likewise. */
  readonly eta?: number;
  readonly guidance?: number;
}

/** A model's card: the README.md of its folder, which model hubs show. */
export interface ModelCard {
  /** The YAML at its head. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What its `inference.parameters` say. */
  readonly recommended: Recommendation;
  /** What they say that cannot be done, each as key, value and why. */
  readonly unheeded: readonly string[];
}

/** A model without a card. */
export const NO_CARD: ModelCard = { metadata: {}, recommended: {}, unheeded: [] };

/** What a card must fit. */
export interface CardLimits {
  /** T. */
  readonly timesteps: number;
  /** Index of the class that stands for none; null where there is no guidance. */
  readonly nullLabel: number | null;
}

/** The samplers by the diffusers class whose name a card has. */
const SCHEDULERS: Readonly<Record<SamplerName, string>> = {
  ddpm: "DDPMScheduler",
  ddim: "DDIMScheduler",
  heun: "HeunDiscreteScheduler",
  "dpmsolver++": "DPMSolverMultistepScheduler",
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** A value in a message; of what is shared within it YAML can hold more than memory does. */
const describe = (value: unknown): string =>
  Array.isArray(value) ? "a list" : isObject(value) ? "a mapping" : quoteValue(value);

const FRONT_MATTER = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)(?:^|\n)---[ \t]*(?:\r?\n|$)/;

/** The YAML at the head of a Markdown file; empty where it has none. */
const frontMatter = (markdown: string): Record<string, unknown> => {
  const text = FRONT_MATTER.exec(markdown)?.[1];
  if (text === undefined) return {};
  const parsed: unknown = parse(text) ?? {};
  if (!isObject(parsed)) throw new SyntaxError("it must be a mapping");
  return parsed;
};

/** Reads `inference.parameters` under the names that diffusers' pipelines have for them. */
const readParameters = (
  parameters: Readonly<Record<string, unknown>>,
  { timesteps, nullLabel }: CardLimits,
): Pick<ModelCard, "recommended" | "unheeded"> => {
  const { scheduler, num_inference_steps: steps, eta, guidance_scale: guidance, ...others } = parameters;
  const unheeded: string[] = [];
  const take = <T>(key: string, value: unknown, fits: boolean, allowed: string): T | undefined => {
    if (value === undefined || value === null) return undefined;
    if (fits) return value as T;
    unheeded.push(`inference.parameters.${key} ${describe(value)} (it must be ${allowed})`);
  };
  const within = (value: unknown, least: number, most: number) =>
    typeof value === "number" && value >= least && value <= most;

  const named = SAMPLERS.find((name) => SCHEDULERS[name] === scheduler);
  const isKnown = named !== undefined || (scheduler ?? null) === null;
  take(
    "scheduler",
    scheduler,
    isKnown,
    `one of ${Object.values(SCHEDULERS).join(", ")}; its steps are not taken either`,
  );
  const sampler = named ?? "ddpm";
  // The steps are the scheduler's: of one that is not here they mean nothing.
  const own = isKnown
    ? {
      sampler: named,
      steps: take<number>(
        "num_inference_steps",
        steps,
        Number.isInteger(steps) && within(steps, 1, timesteps),
        `an integer in [1, ${timesteps}]`,
      ),
      eta: take<number>(
        "eta",
        eta,
        within(eta, 0, 1) && sampler === "ddim",
        sampler === "ddim" ? "in [0, 1]" : `left out with ${SCHEDULERS[sampler]}`,
      ),
    }
    : {};
  const free = take<number>(
    "guidance_scale",
    guidance,
    within(guidance, 0, 20) && (nullLabel !== null || guidance === 1),
    nullLabel === null ? "1: this model was not trained for guidance" : "in [0, 20]",
  );
  for (const [key, value] of Object.entries(others)) {
    take(quoteText(key), value, false, "left out: there is no such parameter");
  }
  const all = { ...own, guidance: free };
  const set = Object.entries(all).filter(([, value]) => value !== undefined);
  return { recommended: Object.fromEntries(set), unheeded };
};

/**
 * Reads what a model's card recommends.
 *
 * @param markdown the content of its README.md
 */
export const parseCard = (markdown: string, limits: CardLimits): ModelCard => {
  let metadata: ModelCard["metadata"];
  try {
    metadata = frontMatter(markdown);
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    return { ...NO_CARD, unheeded: [`the YAML at its head (${quoteText(reason)})`] };
  }
  // A hub takes `inference: false` for a model that it shall not run.
  const { inference } = metadata;
  const parameters = isObject(inference) ? inference.parameters ?? {} : {};
  if (isObject(parameters)) return { metadata, ...readParameters(parameters, limits) };
  return { ...NO_CARD, metadata, unheeded: [`inference.parameters ${describe(parameters)} (it must be a mapping)`] };
};

/** Where a model's card is. */
export const cardPath = (folder: string): string => join(folder, "README.md");

/** Reads the card of a model's folder. One that is broken is no reason not to load the model. */
export const readCard = async (folder: string, limits: CardLimits, reader: FileReader): Promise<ModelCard> => {
  try {
    return parseCard(await reader.readText(cardPath(folder)), limits);
  } catch (error) {
    const { name } = error as Error;
    if (name === "NotFound") return NO_CARD;
    if (name === "NotCapable") throw error;
    return { ...NO_CARD, unheeded: [`all of it (${quoteText((error as Error).message)})`] };
  }
};

/** Writes a card of these metadata alone; none where there are none. */
export const saveCard = async (folder: string, metadata: ModelCard["metadata"]): Promise<void> => {
  if (Object.keys(metadata).length === 0) return;
  await Deno.writeTextFile(cardPath(folder), `---\n${stringify(metadata)}---\n`);
};
