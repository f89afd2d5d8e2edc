import { useEffect, useMemo, useState } from "preact/hooks";
import { apiKey, requestJson, sendRequest, serverUrl } from "../api/client.ts";
import type { JobAnswer, JobAnswerState, Model } from "../api/types.ts";
import { goTo } from "../state/address.ts";
import { useJob, useRuns } from "../state/jobs.ts";
import { loadModels, models } from "../state/server.ts";
import { useStore } from "../state/store.ts";
import { Checkbox, NumberField, RadioGroup, Slider } from "./fields.tsx";
import { ErrorNotice, Notice } from "./notice.tsx";
import { RecipeList, RecipeTable } from "./recipe.tsx";
import { JOB_AXES, JOB_MEASURES, type JobAxis, type JobMeasure, MOST_RUNS, RunChart } from "./run_chart.tsx";

/** An image of the server's, with the key where there is one, which an `img` alone would not send. */
const ServerImage = ({ path, alt }: { path: string; alt: string }) => {
  const key = useStore(apiKey);
  const [url, setUrl] = useState<string | null>(null);
  const [gone, setGone] = useState<string | null>(null);
  useEffect(() => {
    if (key === null) return;
    const controller = new AbortController();
    let made: string | null = null;
    sendRequest(path, { accept: "image/png", signal: controller.signal })
      .then((response) => response.blob())
      .then((blob) => setUrl(made = URL.createObjectURL(blob)))
      .catch(() => !controller.signal.aborted && setGone(path));
    return () => {
      controller.abort();
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [path, key]);
  const source = key === null ? serverUrl(path) : url;
  if (gone === path) return <p class="nothing">This picture is gone.</p>;
  return source === null
    ? <span class="no-image" role="img" aria-label={alt} />
    : <img src={source} alt={alt} onError={() => setGone(path)} />;
};

const JOB_STATE_TEXT: Record<JobAnswerState, string> = {
  queued: "waiting for a worker",
  running: "running",
  canceling: "stopping, after a checkpoint",
  succeeded: "finished",
  failed: "failed",
  canceled: "canceled",
};

/** A time as one reads it out. */
const duration = (seconds: number): string => {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
};

const factsOf = ({ step, steps, loss, imagesPerSecond, secondsLeft, state }: JobAnswer): [string, string][] => [
  ["step", steps === null ? String(step) : `${step} of ${steps}`],
  ["loss", loss === null ? "–" : loss.toPrecision(3)],
  ["images a second", imagesPerSecond === null ? "–" : imagesPerSecond.toPrecision(3)],
  ["left", secondsLeft === null || state !== "running" ? "–" : duration(secondsLeft)],
];

const Actions = ({ job, onChanged }: { job: JobAnswer; onChanged: () => void }) => {
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [steps, setSteps] = useState("");
  const loaded = useStore(models)?.find(({ added }) => added?.job === job.id);
  const isOver = ["succeeded", "failed", "canceled"].includes(job.state);

  const act = (name: string, action: () => Promise<unknown>) => async () => {
    setBusy(name);
    setError(null);
    try {
      await action();
      onChanged();
    } catch (error) {
      setError(error as Error);
    } finally {
      setBusy(null);
    }
  };
  const path = `/jobs/${encodeURIComponent(job.id)}`;
  const cancel = act("cancel", () => sendRequest(`${path}/cancel`, { method: "POST" }));
  const resume = act(
    "resume",
    () => sendRequest(`${path}/resume`, { method: "POST", body: steps === "" ? {} : { steps: Number(steps) } }),
  );
  const load = act("load", async () => {
    await requestJson<Model>("/models", { body: { job: job.id, replace: loaded !== undefined } });
    await loadModels();
  });

  return (
    <div class="actions">
      <div class="buttons">
        {!isOver && (
          <button type="button" disabled={busy !== null || job.state === "canceling"} onClick={cancel}>
            {busy === "cancel" || job.state === "canceling" ? "Canceling …" : "Cancel"}
          </button>
        )}
        {isOver && (
          <>
            <NumberField
              label="Go on to step"
              value={steps}
              min={1}
              placeholder={job.steps === null ? "its end" : String(job.steps)}
              onChange={setSteps}
            />
            <button type="button" disabled={busy !== null} onClick={resume}>
              {busy === "resume" ? "Asking …" : "Resume"}
            </button>
          </>
        )}
        <button type="button" disabled={busy !== null || job.checkpoint === null} onClick={load}>
          {busy === "load" ? "Loading …" : loaded ? "Load its newest checkpoint" : "Load to draw with"}
        </button>
        {loaded && (
          <button type="button" class="main" onClick={() => goTo("generate", { model: loaded.name })}>
            Draw with it
          </button>
        )}
      </div>
      {loaded?.added && <p class="hint">Loaded as {loaded.name}: {loaded.added.checkpoint}</p>}
      {job.checkpoint === null && <p class="hint">You can draw with it once it has written a checkpoint.</p>}
      {error && <ErrorNotice error={error} />}
    </div>
  );
};

/** Jobs to compare with this one. */
const OtherRuns = ({ id, jobs, chosen, onChoose }: {
  id: string;
  jobs: readonly JobAnswer[];
  chosen: readonly string[];
  onChoose: (ids: readonly string[]) => void;
}) => {
  const others = jobs.filter((job) => job.id !== id && job.step > 0);
  if (others.length === 0) return null;
  const isFull = chosen.length >= MOST_RUNS - 1;
  return (
    <details open={chosen.length > 0}>
      <summary>Compare with other runs</summary>
      <ul class="others">
        {others.map((job) => (
          <li key={job.id}>
            <Checkbox
              label={job.id}
              value={chosen.includes(job.id)}
              disabled={isFull && !chosen.includes(job.id)}
              onChange={(on) => onChoose(on ? [...chosen, job.id] : chosen.filter((other) => other !== job.id))}
            />
          </li>
        ))}
      </ul>
    </details>
  );
};

/** What a job's curves show; texts, as the address has them. */
export interface JobViewChoices {
  readonly measure: JobMeasure;
  readonly axis: JobAxis;
  readonly isLog: boolean;
  /** Jobs that it is compared with. */
  readonly others: readonly string[];
}

/** One job: how far it is, its curves beside those of others, what it draws, and what can be done with it. */
export const JobView = ({ id, version, jobs, choices, onChoose, onChanged }: {
  id: string;
  version: number;
  jobs: readonly JobAnswer[];
  choices: JobViewChoices;
  onChoose: (changes: Partial<JobViewChoices>) => void;
  onChanged: () => void;
}) => {
  const { job, points, samples, notices, status, preparing, isLost, error } = useJob(id, version);
  const compared = useRuns(choices.others);
  const [chosen, choose] = useState<number | null>(null);
  const batch = Number(job?.recipe.batch);
  const runs = useMemo(
    () => [
      { id, points, batch },
      ...compared.map(({ id, points, recipe }) => ({ id, points, batch: Number(recipe.batch) })),
    ],
    [id, points, batch, compared],
  );
  if (job === null) {
    return error ? <ErrorNotice error={error} /> : <Notice busy>Asking for {id} …</Notice>;
  }
  const at = Math.min(chosen ?? samples.length - 1, samples.length - 1);
  const sample = samples[at];
  const { measure, axis, isLog, others } = choices;
  const isBeginning = job.state === "running" && points.length === 0;
  const doing = preparing
    ? `preparing images, ${preparing.step} of ${preparing.steps}`
    : status ?? (isBeginning ? "starting a process" : null);
  return (
    <article class="job">
      <header>
        <h2>{job.id}</h2>
        <p class={`state is-${job.state}`} role="status">
          {isLost ? "connection lost, trying again" : JOB_STATE_TEXT[job.state]}
        </p>
      </header>
      <progress max={job.steps ?? 1} value={job.step} aria-label="Steps done" />
      {doing !== null && job.state === "running" && <Notice busy>{doing[0].toUpperCase()}{doing.slice(1)} …</Notice>}
      <dl class="facts in-a-row">
        {factsOf(job).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Actions job={job} onChanged={onChanged} />
      {error && <ErrorNotice error={error} />}
      {job.error && <ErrorNotice error={new Error(job.error)} />}
      {notices.length > 0 && <Notice>{notices.map((text) => <p key={text}>{text}</p>)}</Notice>}
      <section aria-label="Curves" class="curves">
        <div class="chart-head">
          <RadioGroup
            label="Measure"
            value={measure}
            options={Object.entries(JOB_MEASURES).map(([name, { text }]) => [name as JobMeasure, text] as const)}
            onChange={(measure) => onChoose({ measure })}
          />
          <RadioGroup
            label="Over"
            value={axis}
            options={Object.entries(JOB_AXES).map(([name, text]) => [name as JobAxis, text] as const)}
            onChange={(axis) => onChoose({ axis })}
          />
          <Checkbox label="logarithmic" value={isLog} onChange={(isLog) => onChoose({ isLog })} />
        </div>
        {runs.every(({ points }) => points.length === 0)
          ? <p class="nothing">No step measured yet.</p>
          : <RunChart runs={runs} measure={measure} axis={axis} isLog={isLog} />}
        <OtherRuns id={id} jobs={jobs} chosen={others} onChoose={(others) => onChoose({ others })} />
        {compared.length > 0 && <RecipeTable runs={[job, ...compared]} />}
      </section>
      <section aria-label="Samples" class="samples">
        {sample === undefined
          ? <p class="nothing">No samples yet. The run draws some at intervals, always from the same noise.</p>
          : (
            <>
              <ServerImage path={sample.url} alt={`Samples after step ${sample.step}`} />
              <Slider
                label="Samples after step"
                value={at}
                min={0}
                max={Math.max(1, samples.length - 1)}
                text={String(sample.step)}
                disabled={samples.length < 2}
                onChange={(to) => choose(to === samples.length - 1 ? null : to)}
              />
            </>
          )}
      </section>
      <details>
        <summary>Recipe</summary>
        <RecipeList recipe={job.recipe} given={job.given} />
      </details>
    </article>
  );
};
