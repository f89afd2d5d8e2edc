import { useEffect, useRef, useState } from "preact/hooks";
import { isTransient, Problem, problemOf, serverEvents, Unreachable } from "../api/client.ts";
import type { DrawingAnswer, Model, StepEvent } from "../api/types.ts";
import { decode, type Grid, gridOf } from "./pictures.ts";
import { checkServer, whenReady } from "./server.ts";

/** What the denoising looked like after a step: pictures of all images. */
interface DrawingFrame {
  /** Steps done. */
  readonly step: number;
  /** The t that the network was asked for, as the paper counts, 1 … T; null for the finished images. */
  readonly timestep: number | null;
  readonly x: ImageBitmap;
  /** What the network takes the images to become. */
  readonly x0: ImageBitmap;
}

/** How far images are. */
type Phase = "idle" | "requesting" | "queued" | "drawing" | "lost" | "done" | "failed";

/** Images that are being drawn, or have been. */
export interface DrawingProgress {
  readonly phase: Phase;
  /** Images of others that come before. */
  readonly position: number;
  readonly done: number;
  readonly total: number;
  /** Steps that an image takes. */
  readonly steps: number;
  readonly frames: readonly DrawingFrame[];
  readonly grid: Grid | null;
  readonly request: DrawRequest | null;
  readonly result: DrawingAnswer | null;
  readonly error: Error | null;
}

/** What is to be drawn. The body says all, the seed too, so that it can be asked for again. */
export interface DrawRequest {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly model: Model;
  readonly count: number;
  readonly columns?: number;
  /** Drawn unasked, so that a tab shows at once what it does: it gives way to whatever is asked for. */
  readonly isExample?: boolean;
}

const IDLE: DrawingProgress = {
  phase: "idle",
  position: 0,
  done: 0,
  total: 0,
  steps: 0,
  frames: [],
  grid: null,
  request: null,
  result: null,
  error: null,
};

/** Frames that are asked for: enough to scrub, and few enough to keep. */
const REQUESTED_FRAMES = 60;

const closeFrames = (frames: readonly DrawingFrame[]): void => {
  for (const { x, x0 } of frames) {
    x.close();
    x0.close();
  }
};

/** The finished images as one picture, laid out as the frames are. */
const assemble = async ({ images }: DrawingAnswer, grid: Grid): Promise<ImageBitmap> => {
  const pictures = await Promise.all(images.map(({ image }) => decode(image)));
  if (pictures.length === 1) return pictures[0];
  const { columns, width, height, padding } = grid;
  const rows = Math.ceil(images.length / columns);
  const canvas = new OffscreenCanvas(columns * (width + padding) + padding, rows * (height + padding) + padding);
  const context = canvas.getContext("2d")!;
  pictures.forEach((picture, i) => {
    context.drawImage(
      picture,
      padding + (i % columns) * (width + padding),
      padding + Math.floor(i / columns) * (height + padding),
    );
    picture.close();
  });
  return canvas.transferToImageBitmap();
};

/** Draws, shows how, and begins anew when the server comes back that went away meanwhile. */
export interface Drawer {
  readonly progress: DrawingProgress;
  start(request: DrawRequest): void;
  /** Gives up what is under way; what has been seen stays. */
  stop(): void;
  readonly isBusy: boolean;
}

/** Makes a drawer for a component; it ends with it. */
export const useDrawing = (): Drawer => {
  const [progress, set] = useState<DrawingProgress>(IDLE);
  const current = useRef<DrawingProgress>(IDLE);
  const running = useRef<AbortController | null>(null);
  const isExample = useRef(false);

  const update = (changes: Partial<DrawingProgress>) => {
    current.current = { ...current.current, ...changes };
    set(current.current);
  };

  const follow = async (request: DrawRequest, signal: AbortSignal): Promise<void> => {
    const { path, body, model, count, columns } = request;
    const grid = gridOf(count, model, columns);
    let hasBegun = false;
    const shown: Promise<void>[] = [];
    const show = async ({ step, timestep, x, x0 }: NonNullable<StepEvent["preview"]>, before: Promise<void>) => {
      const [picture, picture0] = await Promise.all([decode(x), decode(x0)]);
      await before;
      if (signal.aborted) return;
      update({ frames: [...current.current.frames, { step, timestep: timestep + 1, x: picture, x0: picture0 }] });
    };
    for await (const { type, data } of serverEvents(path, { body: { ...body, frames: REQUESTED_FRAMES }, signal })) {
      if (type === "queued") update({ phase: "queued", position: (data as { position: number }).position });
      else if (type === "started") update({ phase: "drawing" });
      else if (type === "step") {
        const { done, total, steps, preview } = data as StepEvent;
        if (!hasBegun) {
          closeFrames(current.current.frames);
          update({ frames: [], grid, request, result: null });
          hasBegun = true;
        }
        update({ phase: "drawing", done, total, steps });
        if (preview) shown.push(show(preview, shown.at(-1) ?? Promise.resolve()));
      } else if (type === "done") {
        await shown.at(-1);
        const result = data as DrawingAnswer;
        const picture = await assemble(result, grid);
        const last = await createImageBitmap(picture);
        if (signal.aborted) return;
        const { frames, steps } = current.current;
        const rest = frames.filter(({ step }) => step < steps);
        closeFrames(frames.filter(({ step }) => step >= steps));
        update({
          phase: "done",
          result,
          request,
          grid,
          done: current.current.total,
          frames: [...rest, { step: steps, timestep: null, x: picture, x0: last }],
        });
        return;
      } else if (type === "error") throw problemOf(data as Record<string, never>, 500);
    }
    throw new Unreachable("the connection was lost");
  };

  const start = async (request: DrawRequest) => {
    running.current?.abort();
    isExample.current = request.isExample === true;
    const controller = new AbortController();
    running.current = controller;
    const { signal } = controller;
    update({ phase: "requesting", position: 0, done: 0, total: 0, error: null });
    while (!signal.aborted) {
      try {
        await follow(request, signal);
        break;
      } catch (error) {
        if (signal.aborted) return;
        if (!isTransient(error)) {
          update({ phase: "failed", error: error instanceof Problem ? error : error as Error });
          break;
        }
        update({ phase: "lost", error: error as Error, done: 0 });
        // A server that stops says so before it is gone.
        await new Promise((resume) => setTimeout(resume, 300));
        await whenReady(signal).catch(() => {});
        if (!signal.aborted) update({ phase: "requesting", error: null });
      }
    }
    if (running.current === controller) running.current = null;
    checkServer();
  };

  const stop = () => {
    running.current?.abort();
    running.current = null;
    update({ phase: current.current.result ? "done" : "idle", error: null });
  };

  useEffect(() => () => {
    running.current?.abort();
    closeFrames(current.current.frames);
  }, []);

  const isBusy = !isExample.current && ["requesting", "queued", "drawing", "lost"].includes(progress.phase);
  return { progress, start: (request) => void start(request), stop, isBusy };
};
