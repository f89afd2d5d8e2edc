import { startProgram, startServer } from "../start_program.ts";

/** A server that is measured. */
export interface MeasuredServer {
  readonly name: string;
  readonly origin: string;
  /** Whether it is this project's. */
  readonly isOurs: boolean;
  /** Draws one image with DDIM, and resolves with the seconds that it took. */
  draw(steps: number, options?: { seed?: number; n?: number; signal?: AbortSignal }): Promise<number>;
  close(): Promise<void>;
}

const untilItAnswers = async (origin: string): Promise<void> => {
  while (true) {
    try {
      return void await (await fetch(`${origin}/health`)).bytes();
    } catch {
      await new Promise((resume) => setTimeout(resume, 100));
    }
  }
};

const openTarget = async (
  name: string,
  starting: ReturnType<typeof startProgram>,
  { isOurs, query = "" }: { isOurs: boolean; query?: string },
): Promise<MeasuredServer> => {
  const { origin, close } = await starting;
  await untilItAnswers(origin);
  const draw: MeasuredServer["draw"] = async (steps, { seed = 0, n = 1, signal } = {}) => {
    const count = n === 1 ? "" : `&n=${n}`;
    const started = performance.now();
    const response = await fetch(
      `${origin}/generate?steps=${steps}&seed=${seed}&label=${seed % 10}${count}${query}`,
      { signal },
    );
    await response.bytes();
    if (response.status !== 200) throw new Error(`${name} answered ${response.status}`);
    return (performance.now() - started) / 1000;
  };
  return { name, origin, isOurs, draw, close };
};

/** Starts this project's server on an engine. */
export const openOurs = (engine: string, model: string): Promise<MeasuredServer> =>
  openTarget(
    `denoise, ${engine}`,
    startServer([`--model=${model}`, `--engine=${engine}`, "--max-concurrent=0", "--queue=100000000"]),
    { isOurs: true, query: "&sampler=ddim&spacing=leading" },
  );

/** Starts the peer: `serial` answers one request at a time, `static` in batches that run to their end. */
export const openPeer = (mode: "serial" | "static", model: string): Promise<MeasuredServer> =>
  openTarget(
    mode === "serial" ? "FastAPI, one at a time" : "FastAPI, static batches",
    startProgram("python3", ["bench/serving/fastapi_server.py", model, mode]),
    { isOurs: false },
  );
