import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DrawingProgress } from "../state/drawing.ts";
import { type Grid, tileOrigin } from "../state/pictures.ts";

/** Images out of one picture, each on a canvas of its own; with `onPick` they are buttons. */
export const Tiles = ({ picture, grid, name, labelOf, only, onPick }: {
  /** Null draws empty places, so that nothing jumps when the first picture comes. */
  picture: ImageBitmap | null;
  grid: Grid;
  name: string;
  labelOf: (i: number) => string;
  /** The one image that is shown; all of them by default. */
  only?: number;
  onPick?: (i: number) => void;
}) => {
  const root = useRef<HTMLDivElement>(null);
  const { width, height } = grid;
  const shown = only === undefined ? Array.from({ length: grid.count }, (_, i) => i) : [only];
  const columns = only === undefined ? grid.columns : 1;

  const labels = shown.map(labelOf);
  const pick = useRef(onPick);
  pick.current = onPick;
  const isButtons = onPick !== undefined;
  // What changes with a picture is on the canvases: the elements need not be looked at for each.
  const tiles = useMemo(() => {
    const canvas = () => <canvas width={width} height={height} />;
    return shown.map((i, at) =>
      isButtons
        ? (
          <button key={i} type="button" class="tile" aria-label={labels[at]} onClick={() => pick.current?.(i)}>
            {canvas()}
          </button>
        )
        : <span key={i} class="tile" role="img" aria-label={labels[at]}>{canvas()}</span>
    );
  }, [labels.join("\n"), isButtons, only, width, height]);
  useLayoutEffect(() => {
    if (picture === null || picture.width === 0) return;
    root.current?.querySelectorAll("canvas").forEach((canvas, i) => {
      const [x, y] = tileOrigin(grid, shown[i]);
      canvas.getContext("2d")!.drawImage(picture, x, y, width, height, 0, 0, width, height);
    });
  }, [picture, grid.count, columns, only, isButtons, width, height]);

  return (
    <div
      ref={root}
      class={`tiles${picture === null ? " is-empty" : ""}`}
      style={{ "--columns": String(columns) }}
      role="group"
      aria-label={name}
    >
      {tiles}
    </div>
  );
};

/** Milliseconds from one frame to the next when the film is played. */
const FRAME_INTERVAL = 60;

/**
 * The denoising as a film: x_t large, the predicted x_0 beside it, and a line to go back and forth on. While it is drawn
 * the last frame is shown, until the reader takes another; what is finished is shown alone.
 */
export const FilmPlayer = ({ progress, grid, labelOf, onPick, isStacked = false, children }: {
  progress: DrawingProgress;
  /** The layout before anything has been drawn. */
  grid: Grid;
  labelOf: (i: number) => string;
  onPick?: (i: number) => void;
  /** One above the other, for long rows. */
  isStacked?: boolean;
  /** What is said beside finished images. */
  children?: ComponentChildren;
}) => {
  const { frames, steps, phase } = progress;
  const [chosen, choose] = useState<number | null>(null);
  const [isPlaying, play] = useState(false);
  const last = frames.length - 1;
  const at = Math.min(chosen ?? last, last);
  const frame = frames[at] ?? null;
  const shape = progress.grid ?? grid;
  const seen = useRef(progress.request);

  if (seen.current !== progress.request) {
    seen.current = progress.request;
    if (chosen !== null) choose(null);
    if (isPlaying) play(false);
  }

  useEffect(() => {
    if (!isPlaying) return;
    const timer = setInterval(() => choose((now) => now === null || now >= last ? 0 : now + 1), FRAME_INTERVAL);
    return () => clearInterval(timer);
  }, [isPlaying, last]);

  const isFinished = frame !== null && frame.timestep === null;
  const where = frame === null
    ? "not begun"
    : frame.timestep === null
    ? `finished, after ${steps} steps`
    : `t = ${frame.timestep}, step ${frame.step} of ${steps}`;
  const pick = onPick && frame !== null ? onPick : undefined;
  return (
    <div class={isStacked ? "film is-stacked" : "film"}>
      <figure key="x" class="of-x">
        <figcaption>
          {isFinished ? "finished" : (
            <>
              <i>
                x<sub>t</sub>
              </i>{" "}
              <span>the images so far, with the remaining noise</span>
            </>
          )}
        </figcaption>
        <Tiles
          picture={frame?.x ?? null}
          grid={shape}
          name={isFinished ? "finished images" : "x_t"}
          labelOf={labelOf}
          onPick={pick}
        />
      </figure>
      {isFinished ? children && <div key="about" class="of-x0">{children}</div> : (
        <figure key="x0" class="of-x0">
          <figcaption>
            <i>x̂</i>
            <sub>0</sub> <span>the network’s guess of the result</span>
          </figcaption>
          <Tiles
            picture={frame?.x0 ?? null}
            grid={shape}
            name="predicted x_0"
            labelOf={(i) => `${labelOf(i)}, predicted`}
          />
        </figure>
      )}
      <div key="scrub" class="scrub">
        <button
          type="button"
          class="quiet"
          disabled={frames.length < 2}
          onClick={() => {
            if (!isPlaying && at === last) choose(0);
            play(!isPlaying);
          }}
        >
          {isPlaying ? "Pause" : "Play"}
        </button>
        <input
          type="range"
          aria-label="Film"
          aria-valuetext={where}
          min={0}
          max={Math.max(1, last)}
          value={Math.max(0, at)}
          style={{ "--part": `${last > 0 ? at / last * 100 : 0}%` }}
          disabled={frames.length < 2}
          onInput={({ currentTarget }) => {
            play(false);
            const to = Number(currentTarget.value);
            choose(to >= last && phase !== "done" ? null : to);
          }}
        />
        <span class="where">{where}</span>
      </div>
    </div>
  );
};
