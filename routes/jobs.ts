import type { OpenAPIHono } from "@hono/zod-openapi";
import { hasEnded } from "../jobs/jobs.ts";
import { answersJob, describeJob, find, type JobDependencies, ofOneJob, params } from "./jobs/context.ts";
import { createJob } from "./jobs/create.ts";
import { jobEvents } from "./jobs/events.ts";
import { listJobs } from "./jobs/list.ts";
import { jobLogs } from "./jobs/logs.ts";
import { jobMetrics } from "./jobs/metrics.ts";
import { resumeJob } from "./jobs/resume.ts";
import { getSample, listSamples } from "./jobs/samples.ts";
import { resource } from "./resource.ts";

/** `/jobs`: training, each job in a process of its own. */
export const jobRoutes = (app: OpenAPIHono, deps: JobDependencies): void => {
  const { jobs, keys } = deps;
  const shared = { keys, right: "jobs", tag: "Training" } as const;

  resource(app, "/jobs", { get: listJobs(deps), post: createJob(deps) }, shared);
  resource(app, "/jobs/{id}", {
    get: {
      id: "get_job",
      summary: "How far a training job is",
      request: { params },
      responses: { 200: answersJob("The job"), ...ofOneJob },
      answer: async (c) => c.json(describeJob(await find(jobs, c)), 200),
    },
    delete: {
      id: "stop_job",
      summary: "Stop a training job; a running one writes a checkpoint first",
      request: { params },
      responses: {
        200: answersJob("The job, which has ended"),
        202: answersJob("The job, which is about to end"),
        ...ofOneJob,
      },
      answer: async (c) => {
        const stopped = await jobs.stop((await find(jobs, c)).id);
        return c.json(describeJob(stopped), hasEnded(stopped) ? 200 : 202);
      },
    },
  }, shared);
  resource(app, "/jobs/{id}/events", { get: jobEvents(deps) }, shared);
  resource(app, "/jobs/{id}/logs", { get: jobLogs(deps) }, shared);
  resource(app, "/jobs/{id}/metrics", { get: jobMetrics(deps) }, shared);
  resource(app, "/jobs/{id}/samples", { get: listSamples(deps) }, shared);
  resource(app, "/jobs/{id}/samples/{file}", { get: getSample(deps) }, shared);
  resource(app, "/jobs/{id}/resume", { post: resumeJob(deps) }, shared);
};
