import { useEffect, useMemo, useState } from "preact/hooks";
import { INTERPOLATIONS } from "../../core/mod.ts";
import type { Model } from "../api/types.ts";
import { DrawBar, DrawProblem } from "../parts/draw_bar.tsx";
import { NumberField, RadioGroup, Slider, useSubmit } from "../parts/fields.tsx";
import { FilmPlayer, Tiles } from "../parts/film.tsx";
import { PickedImage } from "../parts/image_window.tsx";
import { issueOf } from "../parts/notice.tsx";
import { DrawPictureButton, type InputPicture, PictureInput } from "../parts/picture_input.tsx";
import {
  anySeed,
  EXAMPLE_STEPS,
  modelOf,
  SAMPLING_DEFAULTS,
  samplingBody,
  SamplingFields,
  withRecommended,
} from "../parts/sampling.tsx";
import { ValuesCanvas } from "../parts/values_canvas.tsx";
import { WithModels } from "../parts/with_models.tsx";
import { useQuery } from "../state/address.ts";
import { useDrawing } from "../state/drawing.ts";
import { fit, gridOf, toUrl, toValues } from "../state/pictures.ts";

const DEFAULTS = { ...SAMPLING_DEFAULTS, from: "seeds", a: "1", b: "2", method: "spherical", t: "", lambda: "5" };

/** How many λ are drawn, both ends among them. */
const COUNT = 11;

/** A picture as the model takes it. */
const fitted = (picture: InputPicture, { width, height }: Model): HTMLCanvasElement => fit(picture, width, height);

const EndPicture = ({ name, picture, model, onPicture }: {
  name: string;
  picture: InputPicture | null;
  model: Model;
  onPicture: (picture: InputPicture) => void;
}) => {
  const values = useMemo(
    () => picture && toValues(fitted(picture, model), model.channels),
    [picture, model.width, model.height, model.channels],
  );
  const { width, height, channels } = model;
  return (
    <div class="end">
      {values && <ValuesCanvas {...{ values, width, height, channels }} label={`Picture ${name}`} />}
      <PictureInput label={`Picture ${name}`} onPicture={onPicture} />
      <DrawPictureButton model={model} label="Draw one" onPicture={onPicture} />
    </div>
  );
};

const InterpolateForm = ({ models }: { models: readonly Model[] }) => {
  const [asked, change] = useQuery("interpolate", DEFAULTS);
  const [a, setA] = useState<InputPicture | null>(null);
  const [b, setB] = useState<InputPicture | null>(null);
  const [picked, pick] = useState<number | null>(null);
  const drawer = useDrawing();
  const model = modelOf(asked.model, models);
  const query = withRecommended(asked, model, { unguided: true });
  const { progress } = drawer;
  const error = progress.phase === "failed" ? progress.error : null;
  const fromImages = query.from === "images";
  // As the paper counts: 1 … T.
  const t = query.t === "" ? Math.max(1, Math.floor(model.timesteps / 2)) : Number(query.t);
  const at = Math.min(COUNT - 1, Math.max(0, Number(query.lambda) || 0));
  const isReady = !fromImages || (a !== null && b !== null);

  const start = (seed: string, changes: { steps?: string } = {}, isExample = false) => {
    const ends = fromImages
      ? { imageA: toUrl(fitted(a!, model)), imageB: toUrl(fitted(b!, model)), t: t - 1 }
      : { seedA: Number(query.a), seedB: Number(query.b) };
    const body = {
      ...samplingBody({ ...query, ...changes }, model),
      ...ends,
      seed: Number(seed),
      method: query.method,
      lambdas: COUNT,
    };
    drawer.start({ path: "/interpolate", body, model, count: COUNT, columns: COUNT, isExample });
  };
  const draw = () => {
    const seed = query.seed === "" ? anySeed() : query.seed;
    if (query.seed === "") change({ seed });
    start(seed);
  };
  useEffect(() => {
    if (fromImages) return;
    const steps = Math.min(Number(query.steps) || EXAMPLE_STEPS, EXAMPLE_STEPS, model.timesteps);
    start(query.seed || "1", { steps: String(steps) }, true);
  }, []);

  const grid = progress.grid ?? gridOf(COUNT, model, COUNT);
  const last = progress.frames.at(-1)?.x ?? null;
  const lambdaOf = (i: number) => (i / (COUNT - 1)).toFixed(1);
  const labelOf = (i: number) => `λ = ${lambdaOf(i)}`;
  const submit = useSubmit(() => isReady && draw());
  return (
    <div class="workspace">
      <form class="controls" noValidate onSubmit={submit}>
        <RadioGroup
          label="Between"
          value={fromImages ? "images" : "seeds"}
          options={[["seeds", "two seeds"], ["images", "two pictures"]] as const}
          onChange={(from) => change({ from, method: from === "images" ? "linear" : undefined })}
        />
        {fromImages
          ? (
            <>
              <EndPicture name="A" picture={a} model={model} onPicture={setA} />
              <EndPicture name="B" picture={b} model={model} onPicture={setB} />
              <div class="wide">
                <Slider
                  label="t, how far noise covers both"
                  value={Math.min(t, model.timesteps)}
                  min={1}
                  max={model.timesteps}
                  error={issueOf(error, "t")}
                  onChange={(t) => change({ t: String(t) })}
                />
              </div>
            </>
          )
          : (
            <>
              <NumberField
                label="Seed A"
                value={query.a}
                min={0}
                error={issueOf(error, "seedA")}
                onChange={(a) => change({ a })}
              />
              <NumberField
                label="Seed B"
                value={query.b}
                min={0}
                error={issueOf(error, "seedB")}
                onChange={(b) => change({ b })}
              />
            </>
          )}
        <RadioGroup
          label="Mixture of the latents"
          value={query.method as typeof INTERPOLATIONS[number]}
          options={INTERPOLATIONS.map((name) => [name, name] as const)}
          onChange={(method) => change({ method })}
        />
        <SamplingFields
          value={query}
          model={model}
          models={models}
          error={error}
          onChange={change}
          unlabelled="none"
        />
        <DrawBar drawer={drawer} disabled={!isReady} />
        {!isReady && <p class="hint">Add two pictures first.</p>}
      </form>
      <div class="stage">
        <DrawProblem drawer={drawer} />
        <div class="between">
          <Tiles
            picture={last}
            grid={grid}
            only={at}
            name="The mixture"
            labelOf={labelOf}
            onPick={last === null ? undefined : pick}
          />
          <div>
            <Slider
              label="λ"
              value={at}
              min={0}
              max={COUNT - 1}
              text={lambdaOf(at)}
              onChange={(lambda) => change({ lambda: String(lambda) })}
            />
            <div class="ends">
              <span>A</span>
              <span>B</span>
            </div>
            <p class="hint">
              {fromImages
                ? "The same noise is added to both pictures up to t. The noisy pictures are mixed, and the mixture is denoised. The larger t is, the further the result may stray."
                : "The noise of two seeds is mixed, and each mixture is denoised."}{" "}
              {last === null ? "" : "Click the mixture to get its PNG, its curl line or its film."}
            </p>
          </div>
        </div>
        <FilmPlayer
          progress={progress}
          grid={gridOf(COUNT, model, COUNT)}
          labelOf={labelOf}
          onPick={(i) => change({ lambda: String(i) })}
          isStacked
        />
      </div>
      <PickedImage index={picked} nameOf={labelOf} progress={progress} onClose={() => pick(null)} />
    </div>
  );
};

/** Images between two: of two seeds, or of two pictures. */
export const Interpolate = () => <WithModels>{(models) => <InterpolateForm models={models} />}</WithModels>;
