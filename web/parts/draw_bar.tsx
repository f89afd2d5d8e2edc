import type { Drawer } from "../state/drawing.ts";
import { ErrorNotice, Notice } from "./notice.tsx";

const statusText = ({ progress: { phase, position, done, total, result, request } }: Drawer): string => {
  switch (phase) {
    case "requesting":
      return "Asking …";
    case "queued":
      return position === 0 ? "Next in line …" : `In line, after ${position} image${position === 1 ? "" : "s"} …`;
    case "drawing":
      return total === 0 ? "Drawing …" : `${Math.floor(done / total * 100)} %`;
    case "done":
      return result === null
        ? ""
        : request?.isExample
        ? "An example, in few steps"
        : `${result.seconds.drawing.toFixed(1)} s`;
    default:
      return "";
  }
};

/** The button that submits the form, or stops what it began, and how far it is. It keeps its place and size, whatever it says. */
export const DrawBar = ({ drawer, disabled = false }: { drawer: Drawer; disabled?: boolean }) => {
  const { progress, isBusy, stop } = drawer;
  const part = progress.total === 0 ? 0 : progress.done / progress.total;
  return (
    <div class="draw-bar">
      <button
        type={isBusy ? "button" : "submit"}
        class="main"
        disabled={disabled && !isBusy}
        onClick={(event) => {
          if (!isBusy) return;
          // It may be the button that submits by the time that the click takes effect.
          event.preventDefault();
          stop();
        }}
      >
        {isBusy ? "Stop" : "Draw"}
      </button>
      <progress max={1} value={isBusy || progress.phase === "done" ? part : 0} aria-label="How far it is" />
      <span class="status-text" role="status">{statusText(drawer)}</span>
    </div>
  );
};

/** What has gone wrong with a drawing, if it has. */
export const DrawProblem = ({ drawer: { progress: { phase, error } } }: { drawer: Drawer }) => {
  if (phase === "lost") {
    return (
      <Notice busy>The connection was lost. The drawing restarts from the same seed when the server is back.</Notice>
    );
  }
  return phase === "failed" && error !== null ? <ErrorNotice error={error} /> : null;
};
