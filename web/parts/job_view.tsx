import { useEffect, useMemo, useState } from "preact/hooks";
import { apiKey, requestJson, sendRequest, serverUrl } from "../api/client.ts";
import type { JobAnswer, JobAnswerState, Model } from "../api/types.ts";
import { goTo } from "../state/address.ts";
import { type MetricPoint, useJob } from "../state/jobs.ts";
import { loadModels, models } from "../state/server.ts";
import { useStore } from "../state/store.ts";
import { Chart } from "./chart.tsx";
import { Checkbox, NumberField, RadioGroup, Slider } from "./fields.tsx";
import { ErrorNotice, Notice } from "./notice.tsx";

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
  if (gone === path) return <p class="nothing">This picture is no longer there.</p>;
  return source === null
    ? <span class="no-image" role="img" aria-label={alt} />
    : <img src={source} alt={alt} onError={() => setGone(path)} />;
};

/** What can be looked at over the steps. */
export const JOB_MEASURES = {
  loss: { text: "loss", label: "Loss" },
  bitsPerDim: { text: "bits/dim", label: "Bits per dimension, a running estimate" },
  gradientNorm: { text: "gradient", label: "Norm of the gradient, before clipping" },
  learningRate: { text: "rate", label: "Learning rate" },
} as const;

export type JobMeasure = keyof typeof JOB_MEASURES;

const JOB_STATE_TEXT: Record<JobAnswerState, string> = {
  queued: "waits for a worker",
  running: "is trained",
  canceling: "writes a checkpoint and stops",
  succeeded: "is done",
  failed: "has failed",
  canceled: "was canceled",
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

/** The mean over some points around each, so that a trend can be seen. */
const smooth = (values: readonly (number | null)[], reach: number): (number | null)[] =>
  values.map((_, i) => {
    const near = values.slice(Math.max(0, i - reach), i + reach + 1).filter((value) => value !== null);
    return near.length === 0 ? null : near.reduce((sum, value) => sum + value, 0) / near.length;
  });

const MeasureChart = (
  { points, measure, isLog }: { points: readonly MetricPoint[]; measure: JobMeasure; isLog: boolean },
) => {
  const { label, text } = JOB_MEASURES[measure];
  const [x, lines] = useMemo(() => {
    const values = points.map((point) => point[measure] ?? null);
    const x = points.map(({ step }) => step);
    if (measure === "learningRate") return [x, [{ name: text, values, isMain: true }]];
    const reach = Math.ceil(points.length / 60);
    return [x, [{ name: "each", values, isDots: true }, { name: text, values: smooth(values, reach), isMain: true }]];
  }, [points, measure]);
  return <Chart label={`${label} over the steps`} xLabel="step" x={x} lines={lines} isLog={isLog} height={240} />;
};

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
      {job.checkpoint === null && <p class="hint">It can be drawn with once it has written a checkpoint.</p>}
      {error && <ErrorNotice error={error} />}
    </div>
  );
};

/** One job: how far it is, its curves, what it draws, and what can be done with it. */
export const JobView = ({ id, version, measure, isLog, onMeasure, onChanged }: {
  id: string;
  version: number;
  measure: JobMeasure;
  isLog: boolean;
  onMeasure: (changes: { measure?: JobMeasure; log?: "1" | undefined }) => void;
  onChanged: () => void;
}) => {
  const { job, points, samples, notices, preparing, isLost, error } = useJob(id, version);
  const [chosen, choose] = useState<number | null>(null);
  if (job === null) {
    return error ? <ErrorNotice error={error} /> : <Notice busy>Asking for {id} …</Notice>;
  }
  const at = Math.min(chosen ?? samples.length - 1, samples.length - 1);
  const sample = samples[at];
  return (
    <article class="job">
      <header>
        <h2>{job.id}</h2>
        <p class={`state is-${job.state}`} role="status">
          {isLost ? "connection lost, trying again" : JOB_STATE_TEXT[job.state]}
        </p>
      </header>
      <progress max={job.steps ?? 1} value={job.step} aria-label="Steps done" />
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
      {preparing && (
        <Notice busy>
          Its images are being prepared: {preparing.step} of {preparing.steps}.
        </Notice>
      )}
      {notices.length > 0 && <Notice>{notices.map((text) => <p key={text}>{text}</p>)}</Notice>}
      <section aria-label="Curves">
        <div class="chart-head">
          <RadioGroup
            label="Over the steps"
            value={measure}
            options={Object.entries(JOB_MEASURES).map(([name, { text }]) => [name as JobMeasure, text] as const)}
            onChange={(measure) => onMeasure({ measure })}
          />
          <Checkbox label="logarithmic" value={isLog} onChange={(on) => onMeasure({ log: on ? "1" : undefined })} />
        </div>
        {points.length === 0
          ? <p class="nothing">No step has been measured yet.</p>
          : <MeasureChart points={points} measure={measure} isLog={isLog} />}
      </section>
      <section aria-label="Samples" class="samples">
        {sample === undefined
          ? <p class="nothing">No samples yet. The run draws some every so often, always from the same noise.</p>
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
        <summary>What was asked</summary>
        <dl class="options">
          {Object.entries(job.options).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{String(value)}</dd>
            </div>
          ))}
        </dl>
      </details>
    </article>
  );
};
