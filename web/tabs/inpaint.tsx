import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Model } from "../api/types.ts";
import { DrawBar, DrawProblem } from "../parts/draw_bar.tsx";
import { NumberField, RadioGroup, Slider, useSubmit } from "../parts/fields.tsx";
import { FilmPlayer } from "../parts/film.tsx";
import { PickedImage } from "../parts/image_window.tsx";
import { invertMask, type Mask, MaskBrush, maskOf, maskShare, maskUrl } from "../parts/mask.tsx";
import { issueOf } from "../parts/notice.tsx";
import { drawModelPicture, DrawPictureButton, type InputPicture, PictureInput } from "../parts/picture_input.tsx";
import {
  anySeed,
  EXAMPLE_STEPS,
  modelOf,
  SAMPLING_DEFAULTS,
  samplingBody,
  SamplingFields,
  withRecommended,
} from "../parts/sampling.tsx";
import { WithModels } from "../parts/with_models.tsx";
import { useQuery } from "../state/address.ts";
import { useDrawing } from "../state/drawing.ts";
import { fit, gridOf, toPixels, toUrl, toValues } from "../state/pictures.ts";

/** The samplers that can go back. */
const SAMPLERS = ["ddpm", "ddim"];

const DEFAULTS = { ...SAMPLING_DEFAULTS, steps: "30", n: "4", length: "5", times: "3", brush: "0" };

/** A picture as the model sees it: of its extent, gray where it is. */
const asModelSees = (picture: InputPicture, { width, height, channels }: Model): HTMLCanvasElement => {
  const canvas = fit(picture, width, height);
  if (channels === 1) {
    const pixels = toPixels(toValues(canvas, 1), { width, height, channels });
    canvas.getContext("2d")!.putImageData(pixels, 0, 0);
  }
  return canvas;
};

const MASK_RULES: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  Left: (x) => x < 0.5,
  Right: (x) => x >= 0.5,
  Top: (_, y) => y < 0.5,
  Bottom: (_, y) => y >= 0.5,
  Middle: (x, y) => Math.max(Math.abs(x - 0.5), Math.abs(y - 0.5)) < 0.25,
};

/** The picture that the tab opens with. */
const EXAMPLE_SEED = 1;
const EXAMPLE_CLASS = 3;

const InpaintForm = ({ models }: { models: readonly Model[] }) => {
  const [asked, change] = useQuery("inpaint", DEFAULTS);
  const model = modelOf(asked.model, models);
  const query = withRecommended(asked, model, { samplers: SAMPLERS, unguided: true });
  const { width, height } = model;
  const [picture, setPicture] = useState<InputPicture | null>(null);
  const [painted, setMask] = useState<Mask | null>(null);
  const [isErasing, setErasing] = useState(false);
  const [hasNoExample, setNoExample] = useState(false);
  const [picked, pick] = useState<number | null>(null);
  const drawer = useDrawing();
  const { progress } = drawer;
  const error = progress.phase === "failed" ? progress.error : null;

  const image = useMemo(() => picture && asModelSees(picture, model), [picture, model.name, width, height]);
  const fits = painted !== null && painted.width === width && painted.height === height;
  const mask = useMemo(() => fits ? painted : maskOf(width, height, () => false), [painted, width, height]);
  const covered = maskShare(mask);
  const brush = Number(query.brush) || Math.max(2, Math.round(width / 6));
  const count = Math.min(16, Math.max(1, Math.floor(Number(query.n)) || 1));
  const isReady = image !== null && covered > 0;

  const start = (seed: string, image: HTMLCanvasElement, mask: Mask, changes: object = {}, isExample = false) => {
    const body = {
      ...samplingBody(query, model),
      n: Number(query.n),
      seed: Number(seed),
      jumpLength: Number(query.length),
      jumpSamples: Number(query.times),
      image: toUrl(image),
      mask: maskUrl(mask),
      ...changes,
    };
    drawer.start({ path: "/inpaint", body, model, count, isExample });
  };
  const draw = () => {
    const seed = query.seed === "" ? anySeed() : query.seed;
    if (query.seed === "") change({ seed });
    start(seed, image!, mask);
  };

  // What the reader gives or brushes is never replaced by the example.
  const isUntouched = useRef(true);
  const give = (picture: InputPicture) => {
    isUntouched.current = false;
    setPicture(picture);
  };
  const cover = (mask: Mask) => {
    isUntouched.current = false;
    setMask(mask);
  };
  useEffect(() => {
    const label = Math.min(EXAMPLE_CLASS, (model.labels?.length ?? 1) - 1);
    drawModelPicture(model, { seed: EXAMPLE_SEED, label, steps: EXAMPLE_STEPS }).then((picture) => {
      if (!isUntouched.current) return;
      const lower = maskOf(width, height, (_, y) => MASK_RULES.Bottom(0, (y + 0.5) / height));
      setPicture(picture);
      setMask(lower);
      const steps = Math.min(Number(query.steps) || EXAMPLE_STEPS, EXAMPLE_STEPS, model.timesteps);
      start(query.seed || String(EXAMPLE_SEED), asModelSees(picture, model), lower, {
        steps,
        jumpLength: 2,
        jumpSamples: 2,
      }, true);
    }, () => setNoExample(true));
    return () => {
      isUntouched.current = false;
    };
  }, []);
  const labelOf = (i: number) => `Variant ${i + 1}`;

  const submit = useSubmit(() => isReady && draw());
  return (
    <div class="workspace">
      <form class="controls" noValidate onSubmit={submit}>
        <SamplingFields
          value={query}
          model={model}
          models={models}
          error={error}
          onChange={change}
          samplers={SAMPLERS}
          unlabelled="none"
        />
        <NumberField
          label="Variants"
          value={query.n}
          min={1}
          max={16}
          error={issueOf(error, "n")}
          onChange={(n) => change({ n })}
        />
        <NumberField
          label="Jump length"
          value={query.length}
          min={1}
          error={issueOf(error, "jumpLength")}
          onChange={(length) => change({ length })}
        />
        <NumberField
          label="Times each"
          value={query.times}
          min={1}
          error={issueOf(error, "jumpSamples")}
          onChange={(times) => change({ times })}
        />
        <DrawBar drawer={drawer} disabled={!isReady} />
        <p class="hint">
          RePaint: every stretch of steps is drawn several times, going back in between, so that what is new fits what
          stays.
        </p>
      </form>
      <div class="stage">
        <div class="masking">
          {image === null
            ? (
              <p class="no-picture">
                {hasNoExample
                  ? "No picture yet. Add one or let the model draw one, then brush over the part to redraw."
                  : "Drawing an example …"}
              </p>
            )
            : <MaskBrush image={image} mask={mask} size={brush} isErasing={isErasing} onMask={cover} />}
          <div class="mask-tools">
            <div class="given">
              <PictureInput label="Drop a picture here, or choose one" onPicture={give} />
              <DrawPictureButton model={model} onPicture={give} />
            </div>
            <RadioGroup
              label="Brush"
              value={isErasing ? "erase" : "paint"}
              options={[["paint", "paint"], ["erase", "erase"]] as const}
              onChange={(what) => setErasing(what === "erase")}
            />
            <Slider
              label="Size"
              value={brush}
              min={1}
              max={Math.max(2, Math.floor(width / 2))}
              text={`${brush} pixels`}
              onChange={(brush) => change({ brush: String(brush) })}
            />
            <div class="buttons" role="group" aria-label="Masks">
              {Object.entries(MASK_RULES).map(([name, rule]) => (
                <button
                  key={name}
                  type="button"
                  onClick={() => cover(maskOf(width, height, (x, y) => rule((x + 0.5) / width, (y + 0.5) / height)))}
                >
                  {name}
                </button>
              ))}
              <button type="button" onClick={() => cover(invertMask(mask))}>Invert</button>
              <button type="button" onClick={() => cover(maskOf(width, height, () => false))}>Clear</button>
            </div>
            <p class="hint">
              {covered === 0
                ? "Brush over the part to redraw, with a pointer or with the arrow keys and Space."
                : `${Math.round(covered * 100)} % will be redrawn; the rest stays.`}
            </p>
          </div>
        </div>
        <DrawProblem drawer={drawer} />
        <FilmPlayer progress={progress} grid={gridOf(count, model)} labelOf={labelOf} onPick={pick} />
      </div>
      <PickedImage index={picked} nameOf={labelOf} progress={progress} onClose={() => pick(null)} />
    </div>
  );
};

/** Parts of a picture drawn anew. */
export const Inpaint = () => <WithModels>{(models) => <InpaintForm models={models} />}</WithModels>;
