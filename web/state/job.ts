import { useEffect, useRef, useState } from "preact/hooks";
import { events } from "../api/events.ts";
import { isPassing, Problem, problemOf, Unreachable } from "../api/problem.ts";
import { askJson } from "../api/request.ts";
import type { Job } from "../api/types.ts";
import { whenReady } from "./server.ts";

/** What was measured at a step, or on average over the steps up to it. */
export interface Point {
  readonly step: number;
  readonly loss: number | null;
  readonly bitsPerDim?: number | null;
  readonly gradientNorm?: number | null;
  readonly learningRate?: number | null;
}

/** A grid that the run drew. */
export interface Sample {
  readonly step: number;
  readonly url: string;
}

/** A job as it is followed. */
export interface Followed {
  readonly job: Job | null;
  readonly points: readonly Point[];
  readonly samples: readonly Sample[];
  /** What it said last that is no number. */
  readonly notices: readonly string[];
  /** How far the images of its data set are that is being prepared; null if none is. */
  readonly preparing: { readonly step: number; readonly steps: number } | null;
  readonly isLost: boolean;
  readonly error: Error | null;
}

const NOTHING: Followed = {
  job: null,
  points: [],
  samples: [],
  notices: [],
  preparing: null,
  isLost: false,
  error: null,
};

const POINTS = 400;

/** Milliseconds within which what comes is shown together. */
const PACE = 200;
const KEPT_NOTICES = 5;

type Data = Record<string, unknown>;

const take = (now: Followed, type: string, data: Data): Followed => {
  const { job } = now;
  switch (type) {
    case "progress": {
      const point = data as unknown as Point & Partial<Job>;
      const last = now.points.at(-1)?.step ?? 0;
      const points = point.step > last ? [...now.points, point] : now.points;
      if (job === null || point.step < job.step) return { ...now, points };
      const { step, steps, loss, imagesPerSecond, secondsLeft } = point as unknown as Job;
      return { ...now, points, preparing: null, job: { ...job, step, steps, loss, imagesPerSecond, secondsLeft } };
    }
    case "sample": {
      const sample = data as unknown as Sample;
      const others = now.samples.filter(({ step }) => step !== sample.step);
      return { ...now, samples: [...others, sample].sort((a, b) => a.step - b.step) };
    }
    case "start":
      return {
        ...now,
        preparing: null,
        job: job && { ...job, state: job.state === "waiting" ? "running" : job.state },
      };
    case "checkpoint":
      return { ...now, job: job && { ...job, checkpoint: String(data.folder) } };
    case "preparing":
      return { ...now, preparing: data as { step: number; steps: number } };
    case "notice":
    case "skipped":
    case "error": {
      const text = String(data.message ?? `${data.file}: ${data.reason}`);
      return { ...now, notices: [...now.notices, text].slice(-KEPT_NOTICES) };
    }
    case "end":
      return { ...now, preparing: null, job: data as unknown as Job };
    default:
      return now;
  }
};

/**
 * Follows a job: what was so far, then what happens, over breaks of the connection.
 *
 * @param version another one begins anew, as after a job was told to go on
 */
export const useJob = (id: string, version: number): Followed => {
  const [followed, set] = useState<Followed>(NOTHING);
  const current = useRef<Followed>(NOTHING);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = "";
    current.current = NOTHING;
    set(NOTHING);

    const show = () => {
      timer = undefined;
      if (!signal.aborted) set(current.current);
    };
    const update = (next: Followed) => {
      current.current = next;
      timer ??= setTimeout(show, PACE);
    };

    const follow = async () => {
      const path = `/jobs/${encodeURIComponent(id)}`;
      const [job, metrics, samples] = await Promise.all([
        askJson<Job>(path, { signal }),
        askJson<{ points: Point[] }>(`${path}/metrics?points=${POINTS}`, { signal }),
        askJson<Sample[]>(`${path}/samples`, { signal }),
      ]);
      update({ ...current.current, job, points: metrics.points, samples, isLost: false, error: null });
      const headers: Record<string, string> = last === "" ? {} : { "last-event-id": last };
      for await (const event of events(`${path}/events`, { signal, headers })) {
        last = event.id;
        if (event.type === "problem") throw problemOf(event.data as Data, 500);
        update(take(current.current, event.type, event.data as Data));
        if (event.type !== "end") continue;
        // Not every step is told of while it happens.
        const { points } = await askJson<{ points: Point[] }>(`${path}/metrics?points=${POINTS}`, { signal });
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
          const passes = isPassing(error) && !(error instanceof Problem && current.current.job === null);
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
