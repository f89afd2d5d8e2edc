import { useEffect, useRef, useState } from "preact/hooks";
import { isTransient, Problem, problemOf, requestJson, serverEvents, Unreachable } from "../api/client.ts";
import type { JobAnswer, JobDetailAnswer, RecipeAnswer } from "../api/types.ts";
import { serverState, whenReady } from "./server.ts";
import { useStore } from "./store.ts";

/** What was measured at a step, or on average over the steps up to it. */
export interface MetricPoint {
  readonly step: number;
  readonly loss: number | null;
  readonly bitsPerDim?: number | null;
  readonly gradientNorm?: number | null;
  readonly learningRate?: number | null;
  readonly imagesPerSecond?: number | null;
  /** Steps of which it is the mean; 1 by default. */
  readonly rows?: number;
}

/** A grid that the run drew. */
interface JobSample {
  readonly step: number;
  readonly url: string;
}

/** A job as it is followed. */
interface FollowedJob {
  readonly job: JobDetailAnswer | null;
  readonly points: readonly MetricPoint[];
  readonly samples: readonly JobSample[];
  /** What it said last that is no number. */
  readonly notices: readonly string[];
  /** What is done before the next step, in words; null while steps are done. */
  readonly status: string | null;
  /** How far the images of its data set are that is being prepared; null if none is. */
  readonly preparing: { readonly step: number; readonly steps: number } | null;
  readonly isLost: boolean;
  readonly error: Error | null;
}

const UNKNOWN_JOB: FollowedJob = {
  job: null,
  points: [],
  samples: [],
  notices: [],
  status: null,
  preparing: null,
  isLost: false,
  error: null,
};

const MOST_POINTS = 400;

/** Milliseconds within which what comes is shown together. */
const SHOW_INTERVAL = 200;
const MOST_NOTICES = 5;

type EventData = Record<string, unknown>;

const applyEvent = (now: FollowedJob, type: string, data: EventData): FollowedJob => {
  const { job } = now;
  switch (type) {
    case "progress": {
      const point = data as unknown as MetricPoint & Partial<JobAnswer>;
      const last = now.points.at(-1)?.step ?? 0;
      const points = point.step > last ? [...now.points, point] : now.points;
      if (job === null || point.step < job.step) return { ...now, points };
      const { step, steps, loss, imagesPerSecond, secondsLeft } = point as unknown as JobAnswer;
      return {
        ...now,
        points,
        preparing: null,
        status: null,
        job: { ...job, step, steps, loss, imagesPerSecond, secondsLeft },
      };
    }
    case "sample": {
      const sample = data as unknown as JobSample;
      const others = now.samples.filter(({ step }) => step !== sample.step);
      return { ...now, samples: [...others, sample].sort((a, b) => a.step - b.step) };
    }
    case "status":
    case "start":
      return {
        ...now,
        preparing: null,
        status: type === "status" ? String(data.message) : now.status,
        job: job && { ...job, state: job.state === "queued" ? "running" : job.state },
      };
    case "checkpoint":
      return { ...now, job: job && { ...job, checkpoint: String(data.folder) } };
    case "preparing":
      return { ...now, preparing: data as { step: number; steps: number } };
    case "notice":
    case "skipped":
    case "error": {
      const text = String(data.message ?? `${data.file}: ${data.reason}`);
      return { ...now, notices: [...now.notices, text].slice(-MOST_NOTICES) };
    }
    case "end":
      return { ...now, preparing: null, status: null, job: job && { ...job, ...data as unknown as JobAnswer } };
    default:
      return now;
  }
};

/**
 * Follows a job: what was so far, then what happens, over breaks of the connection.
 *
 * @param version another one begins anew, as after a job was told to go on
 */
export const useJob = (id: string, version: number): FollowedJob => {
  const [followed, set] = useState<FollowedJob>(UNKNOWN_JOB);
  const current = useRef<FollowedJob>(UNKNOWN_JOB);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = "";
    current.current = UNKNOWN_JOB;
    set(UNKNOWN_JOB);

    const show = () => {
      timer = undefined;
      if (!signal.aborted) set(current.current);
    };
    const update = (next: FollowedJob) => {
      current.current = next;
      timer ??= setTimeout(show, SHOW_INTERVAL);
    };

    const follow = async () => {
      const path = `/jobs/${encodeURIComponent(id)}`;
      const [job, metrics, samples] = await Promise.all([
        requestJson<JobDetailAnswer>(path, { signal }),
        requestJson<{ points: MetricPoint[] }>(`${path}/metrics?points=${MOST_POINTS}`, { signal }),
        requestJson<JobSample[]>(`${path}/samples`, { signal }),
      ]);
      update({ ...current.current, job, points: metrics.points, samples, isLost: false, error: null });
      const headers: Record<string, string> = last === "" ? {} : { "last-event-id": last };
      for await (const event of serverEvents(`${path}/events`, { signal, headers })) {
        last = event.id;
        if (event.type === "problem") throw problemOf(event.data as EventData, 500);
        update(applyEvent(current.current, event.type, event.data as EventData));
        if (event.type !== "end") continue;
        // Not every step is told of while it happens.
        const { points } = await requestJson<{ points: MetricPoint[] }>(`${path}/metrics?points=${MOST_POINTS}`, {
          signal,
        });
        update({ ...current.current, points });
        return;
      }
      throw new Unreachable("the connection was lost");
    };

    const run = async () => {
      while (!signal.aborted) {
        try {
          return await follow();
        } catch (error) {
          if (signal.aborted) return;
          const passes = isTransient(error) && !(error instanceof Problem && current.current.job === null);
          update({ ...current.current, isLost: passes, error: passes ? null : error as Error });
          if (!passes) return;
          await new Promise((resume) => setTimeout(resume, 500));
          await whenReady(signal).catch(() => {});
        }
      }
    };
    run();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [id, version]);

  return followed;
};

const LIST_INTERVAL = 3000;

/** All jobs, the newest first, asked for every so often while `isShown`; and what loads them at once. */
export const useJobs = (isShown: boolean): {
  readonly jobs: readonly JobAnswer[] | null;
  readonly error: Error | null;
  readonly reload: () => void;
} => {
  const [jobs, setJobs] = useState<readonly JobAnswer[] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [version, setVersion] = useState(0);
  const state = useStore(serverState);

  useEffect(() => {
    if (!isShown || state !== "ready") return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async () => {
      try {
        const found = await requestJson<JobAnswer[]>("/jobs?limit=1000", { signal: controller.signal });
        setJobs(found.reverse());
        setError(null);
      } catch (error) {
        if (controller.signal.aborted) return;
        setError(error as Error);
      }
      timer = setTimeout(load, LIST_INTERVAL);
    };
    load();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [isShown, state, version]);

  return { jobs, error, reload: () => setVersion((n) => n + 1) };
};

/** A run beside another one. */
interface ComparedRun extends RecipeAnswer {
  readonly id: string;
  readonly points: readonly MetricPoint[];
}

const loadRun = async (id: string, signal: AbortSignal) => {
  const path = `/jobs/${encodeURIComponent(id)}`;
  const [{ recipe, given, endedAt }, { points }] = await Promise.all([
    requestJson<JobDetailAnswer>(path, { signal }),
    requestJson<{ points: MetricPoint[] }>(`${path}/metrics?points=${MOST_POINTS}`, { signal }),
  ]);
  return { id, recipe, given, points, hasEnded: endedAt !== null };
};

/** What runs measured and by what recipes, asked for every so often while one of them goes on; those that are there. */
export const useRuns = (ids: readonly string[]): readonly ComparedRun[] => {
  const [runs, setRuns] = useState<readonly ComparedRun[]>([]);
  const key = ids.join();
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async () => {
      const found = await Promise.all(ids.map((id) => loadRun(id, controller.signal).catch(() => null)));
      if (controller.signal.aborted) return;
      const there = found.filter((run) => run !== null);
      setRuns(there);
      if (there.length < ids.length || there.some(({ hasEnded }) => !hasEnded)) timer = setTimeout(load, LIST_INTERVAL);
    };
    load();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [key]);
  return runs;
};
