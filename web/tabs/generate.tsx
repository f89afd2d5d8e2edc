import { useState } from "preact/hooks";
import type { Model } from "../api/types.ts";
import { DeviceSwitch } from "../parts/device_switch.tsx";
import { DrawBar, DrawProblem } from "../parts/draw_bar.tsx";
import { NumberField, useSubmit } from "../parts/fields.tsx";
import { FilmPlayer } from "../parts/film.tsx";
import { PickedImage } from "../parts/image_window.tsx";
import { issueOf } from "../parts/notice.tsx";
import { Opening, SHOW_MODEL } from "../parts/opening.tsx";
import {
  anySeed,
  modelOf,
  SAMPLING_DEFAULTS,
  samplingBody,
  SamplingFields,
  withRecommended,
} from "../parts/sampling.tsx";
import { WithModels } from "../parts/with_models.tsx";
import { useQuery } from "../state/address.ts";
import { useDrawing } from "../state/drawing.ts";
import { gridOf } from "../state/pictures.ts";
import { serverDescription } from "../state/server.ts";
import { useStore } from "../state/store.ts";

const DEFAULTS = { ...SAMPLING_DEFAULTS, n: "16" };

const GenerateForm = ({ models }: { models: readonly Model[] }) => {
  const [asked, change] = useQuery("generate", DEFAULTS);
  const most = useStore(serverDescription)?.maxImages ?? 64;
  const drawer = useDrawing();
  const [picked, pick] = useState<number | null>(null);
  const model = modelOf(asked.model, models);
  const query = withRecommended(asked, model);
  const { progress } = drawer;
  const error = progress.phase === "failed" ? progress.error : null;
  const count = Math.min(most, Math.max(1, Math.floor(Number(query.n)) || 1));

  const draw = (by = model) => {
    const seed = query.seed === "" ? anySeed() : query.seed;
    change({ seed, ...(by === model ? {} : { model: by.name }) });
    const body = { ...samplingBody(withRecommended(asked, by), by), n: Number(query.n), seed: Number(seed) };
    drawer.start({ path: "/generate", body, model: by, count });
  };
  // What the address asks for is to be drawn, and not what is stored.
  const [isOpening] = useState(query.seed === "");
  const isUntouched = isOpening && progress.phase === "idle" && progress.frames.length === 0;
  const labelOf = (i: number) => {
    const label = progress.result?.images[i]?.label;
    return label === undefined ? `Image ${i + 1}` : `Image ${i + 1}, class ${label}`;
  };

  const submit = useSubmit(() => draw());
  return (
    <div class="workspace">
      <form class="controls" noValidate onSubmit={submit}>
        <SamplingFields
          value={query}
          model={model}
          models={models}
          error={error}
          onChange={change}
          unlabelled="each in turn"
        />
        <NumberField
          label="Images"
          value={query.n}
          min={1}
          max={most}
          error={issueOf(error, "n")}
          onChange={(n) => change({ n })}
        />
        <DrawBar drawer={drawer} />
        <DeviceSwitch drawer={drawer} />
      </form>
      <div class="stage">
        <DrawProblem drawer={drawer} />
        {isUntouched
          ? <Opening disabled={false} onDraw={() => draw(models.find(({ name }) => name === SHOW_MODEL) ?? model)} />
          : (
            <FilmPlayer progress={progress} grid={gridOf(count, model)} labelOf={labelOf} onPick={pick}>
              <p class="hint">Click an image to get its link, its curl line or its film.</p>
            </FilmPlayer>
          )}
      </div>
      <PickedImage index={picked} nameOf={(i) => `Image ${i + 1}`} progress={progress} onClose={() => pick(null)} />
    </div>
  );
};

/** Images from noise, and how they come to be. */
export const Generate = () => (
  <WithModels waiting={<Opening disabled onDraw={() => {}} />}>
    {(models) => <GenerateForm models={models} />}
  </WithModels>
);
