import { useRef } from "preact/hooks";
import { SITE_MODELS } from "../api/client.ts";
import { deviceProblem, deviceState, startDevice, stopDevice, worksOffline } from "../state/device.ts";
import type { Drawer } from "../state/drawing.ts";
import { models } from "../state/server.ts";
import { useStore } from "../state/store.ts";
import { Checkbox } from "./fields.tsx";
import { ErrorNotice } from "./notice.tsx";

/** Milliseconds that a step takes over all images: as measured while they are drawn, then as the answer has it. */
const useStepTime = ({ progress: { phase, done, total, steps, result } }: Drawer): number | null => {
  const since = useRef({ at: 0, done: 0 });
  if (phase === "requesting" || done < since.current.done) since.current = { at: 0, done: 0 };
  if (since.current.at === 0 && done > 0) since.current = { at: performance.now(), done };
  if (steps === 0) return null;
  if (phase === "done" && result !== null) return result.seconds.drawing * 1000 / steps;
  const { at, done: before } = since.current;
  const passed = (done - before) / total * steps;
  return phase === "drawing" && passed > 0 ? (performance.now() - at) / passed : null;
};

/** Has the browser draw in the place of the server, and says how fast it is. */
export const DeviceSwitch = ({ drawer }: { drawer: Drawer }) => {
  const state = useStore(deviceState);
  const problem = useStore(deviceProblem);
  const offline = useStore(worksOffline);
  const engine = useStore(models)?.[0]?.engine;
  const time = useStepTime(drawer);
  const facts = [
    state === "opening" ? "Fetching the models …" : state === "on" ? engine?.device : null,
    time === null ? null : `${time < 10 ? time.toFixed(1) : Math.round(time)} ms a step`,
    SITE_MODELS !== null && offline ? "works offline" : null,
  ].filter(Boolean);
  return (
    <div class="wide">
      {SITE_MODELS === null && (
        <Checkbox
          label="Draw on this device"
          value={state !== "off"}
          onChange={(isOn) => isOn ? startDevice() : stopDevice()}
        />
      )}
      <p class="hint" role="status">{facts.join(" · ")}</p>
      {problem && <ErrorNotice error={problem} />}
    </div>
  );
};
