/** What the page reads of the server's answers; docs/api.md and /openapi.json tell all of it. */
export interface Model {
  readonly name: string;
  readonly default: boolean;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly timesteps: number;
  readonly labels: readonly string[] | null;
  readonly guidance: boolean;
  readonly parameters: number;
  readonly prediction: string;
  readonly schedule: string;
  /** What its card says of sampling; nothing where it has none. */
  readonly recommended: { readonly sampler?: string; readonly steps?: number; readonly guidance?: number };
  readonly engine: { readonly name: string; readonly version: string; readonly device: string };
  readonly added: { readonly checkpoint: string; readonly job: string | null } | null;
}

export interface Health {
  readonly serving: "starting" | "ready" | "restarting" | "failed";
  readonly error?: string;
  readonly models: readonly string[];
}

type AnswerParameters = Readonly<Record<string, string | number | boolean>>;

export interface DrawingAnswer {
  readonly task: string;
  readonly model: string;
  readonly parameters: AnswerParameters;
  readonly seconds: { readonly waiting: number; readonly drawing: number };
  readonly images: readonly {
    readonly label?: string;
    readonly lambda?: number;
    readonly t?: number;
    readonly image: string;
  }[];
}

export interface StepEvent {
  readonly done: number;
  readonly total: number;
  readonly step: number;
  readonly steps: number;
  readonly preview?: { readonly step: number; readonly timestep: number; readonly x: string; readonly x0: string };
}

export type JobAnswerState = "queued" | "running" | "canceling" | "succeeded" | "failed" | "canceled";

export interface JobAnswer {
  readonly id: string;
  readonly run: string;
  readonly state: JobAnswerState;
  readonly options: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly step: number;
  readonly steps: number | null;
  readonly loss: number | null;
  readonly imagesPerSecond: number | null;
  readonly secondsLeft: number | null;
  readonly checkpoint: string | null;
  readonly error: string | null;
}

/** Every option of a training, and the names of those that were chosen. */
export interface RecipeAnswer {
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly given: readonly string[];
}

export type JobDetailAnswer = JobAnswer & RecipeAnswer;
