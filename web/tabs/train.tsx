import { useRef, useState } from "preact/hooks";
import { keyWanted, Problem } from "../api/client.ts";
import type { JobAnswer } from "../api/types.ts";
import { JobForm } from "../parts/job_form.tsx";
import { JobView, type JobViewChoices } from "../parts/job_view.tsx";
import { JOB_AXES, JOB_MEASURES, type JobAxis, type JobMeasure, MOST_RUNS } from "../parts/run_chart.tsx";
import { ErrorNotice, Notice } from "../parts/notice.tsx";
import { useQuery, useTab } from "../state/address.ts";
import { useJobs } from "../state/jobs.ts";

const DEFAULTS = { job: "", measure: "loss", over: "step", log: "", with: "" };

type Query = typeof DEFAULTS;

/** The choices that the address holds. */
const choicesOf = (query: Query, job: string): JobViewChoices => ({
  measure: query.measure in JOB_MEASURES ? query.measure as JobMeasure : "loss",
  axis: query.over in JOB_AXES ? query.over as JobAxis : "step",
  isLog: query.log === "1",
  others: [...new Set(query.with.split(","))].filter((id) => id !== "" && id !== job).slice(0, MOST_RUNS - 1),
});

/** How the address holds choices. */
const queryOf = ({ measure, axis, isLog, others }: Partial<JobViewChoices>): Partial<Record<keyof Query, string>> => ({
  ...(measure === undefined ? {} : { measure }),
  ...(axis === undefined ? {} : { over: axis }),
  ...(isLog === undefined ? {} : { log: isLog ? "1" : "" }),
  ...(others === undefined ? {} : { with: others.join() }),
});

const JobList = ({ jobs, shown, onShow }: {
  jobs: readonly JobAnswer[];
  shown: string;
  onShow: (id: string) => void;
}) => (
  <ul class="jobs">
    {jobs.map(({ id, state, step, steps }) => (
      <li key={id}>
        <button type="button" aria-current={id === shown ? "true" : undefined} onClick={() => onShow(id)}>
          <span class="name">{id}</span>
          <span class={`state is-${state}`}>
            {state === "running" && steps ? `${Math.floor(step / steps * 100)} %` : state}
          </span>
        </button>
      </li>
    ))}
  </ul>
);

/** Training: asked for by a form, followed as it happens. */
export const Train = () => {
  const [query, change] = useQuery("train", DEFAULTS);
  const isShown = useTab() === "train";
  const { jobs, error, reload } = useJobs(isShown);
  const [version, setVersion] = useState(0);
  const stage = useRef<HTMLDivElement>(null);
  const shown = query.job !== "" ? query.job : jobs?.[0]?.id ?? "";
  if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
    return (
      <div class="waiting">
        <ErrorNotice error={error}>
          <button
            type="button"
            class="main"
            onClick={() => keyWanted.set("Training requires a key with the right “jobs”.")}
          >
            Enter a key
          </button>
        </ErrorNotice>
      </div>
    );
  }
  const changed = () => {
    reload();
    setVersion((n) => n + 1);
  };
  return (
    <div class="workspace">
      <div class="side">
        <section aria-labelledby="new-job">
          <h2 id="new-job">Train a model</h2>
          <JobForm
            onAdded={({ id }) => {
              change({ job: id });
              changed();
              stage.current?.scrollIntoView({ block: "start" });
            }}
          />
        </section>
        <section aria-labelledby="all-jobs">
          <h2 id="all-jobs">Jobs</h2>
          {error && <ErrorNotice error={error} />}
          {jobs === null && !error && <p class="hint">Asking …</p>}
          {jobs?.length === 0 && <p class="hint">None yet.</p>}
          {jobs !== null && jobs.length > 0 && <JobList jobs={jobs} shown={shown} onShow={(job) => change({ job })} />}
        </section>
      </div>
      <div class="stage" ref={stage}>
        {shown === ""
          ? (
            <Notice>
              No job to show. A job trains in a process of its own, beside what is drawn: try the preset{" "}
              <code>quick</code> for a first look: digits that can be read, in a minute or two.
            </Notice>
          )
          : (
            <JobView
              key={shown}
              id={shown}
              version={version}
              jobs={jobs ?? []}
              choices={choicesOf(query, shown)}
              onChoose={(choices) => change(queryOf(choices))}
              onChanged={changed}
            />
          )}
      </div>
    </div>
  );
};
