import { useEffect, useState } from "preact/hooks";
import { askJson } from "../api/request.ts";
import type { Job } from "../api/types.ts";
import { serverState } from "./server.ts";
import { useStore } from "./store.ts";

const PACE = 3000;

/** All jobs, the newest first, asked for every so often while `isShown`; and what asks at once. */
export const useJobs = (isShown: boolean): {
  readonly jobs: readonly Job[] | null;
  readonly error: Error | null;
  readonly reload: () => void;
} => {
  const [jobs, setJobs] = useState<readonly Job[] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [asked, ask] = useState(0);
  const state = useStore(serverState);

  useEffect(() => {
    if (!isShown || state !== "ready") return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async () => {
      try {
        const found = await askJson<Job[]>("/jobs?limit=1000", { signal: controller.signal });
        setJobs(found.reverse());
        setError(null);
      } catch (error) {
        if (controller.signal.aborted) return;
        setError(error as Error);
      }
      timer = setTimeout(load, PACE);
    };
    load();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [isShown, state, asked]);

  return { jobs, error, reload: () => ask((n) => n + 1) };
};
