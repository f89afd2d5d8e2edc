import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { type Grid, placeOf } from "../state/pictures.ts";

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
      const [x, y] = placeOf(grid, shown[i]);
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
