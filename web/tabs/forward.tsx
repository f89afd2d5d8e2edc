import { useMemo, useState } from "preact/hooks";
import { fillNormal, qSample, type ScheduleName, SCHEDULES } from "../../core/mod.ts";
import { Chart } from "../parts/chart.tsx";
import { NumberField, RadioGroup, Select, Slider } from "../parts/fields.tsx";
import { DrawPictureButton, type InputPicture, PictureInput } from "../parts/picture_input.tsx";
import { allSchedules, type CurveName, CURVES, ScheduleLegend, scheduleLines } from "../parts/schedules.tsx";
import { ValuesCanvas } from "../parts/values_canvas.tsx";
import { useQuery } from "../state/address.ts";
import { examplePicture, fit, toValues } from "../state/pictures.ts";
import { models } from "../state/server.ts";
import { useStore } from "../state/store.ts";

const DEFAULTS = { schedule: "linear", T: "1000", t: "250", seed: "7", size: "64", curve: "alphas" };
const SIZES = ["28", "32", "64", "128", "256"];
const STRIP = 8;

const whole = (text: string, least: number, most: number, otherwise: number): number => {
  const value = Number(text);
  return text !== "" && Number.isInteger(value) ? Math.min(most, Math.max(least, value)) : otherwise;
};

const short = (value: number): string =>
  value === 0 ? "0" : Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toPrecision(4);

/** Noise comes over an image: q(x_t | x_0), computed in the browser by the very files that the server runs. */
export const Forward = () => {
  const [query, change] = useQuery("forward", DEFAULTS);
  const [picture, setPicture] = useState<InputPicture>(() => examplePicture());
  const model = useStore(models)?.[0];

  const T = whole(query.T, 2, 10_000, 1000);
  // As the paper counts: 1 … T, of which the tables hold entries 0 … T − 1.
  const t = whole(query.t, 1, T, Math.max(1, Math.floor(T / 4)));
  const size = whole(query.size, 8, 256, 64);
  const seed = whole(query.seed, 0, Number.MAX_SAFE_INTEGER, 7);
  const schedule = SCHEDULES.find((name) => name === query.schedule) ?? "linear";
  const curve: CurveName = query.curve in CURVES ? query.curve as CurveName : "alphas";

  const schedules = useMemo(() => allSchedules(T), [T]);
  const start = useMemo(() => toValues(fit(picture, size, size), 3), [picture, size]);
  const noise = useMemo(() => fillNormal(new Float32Array(start.length), { seed, sample: 0, step: 0 }), [
    start.length,
    seed,
  ]);
  const diffusion = schedules[schedule];
  const noisy = useMemo(() => qSample(diffusion, start, t - 1, noise), [diffusion, start, t, noise]);
  const strip = useMemo(() =>
    Array.from({ length: STRIP }, (_, i) => {
      const at = Math.max(1, Math.round((i + 1) * T / STRIP));
      return { t: at, values: qSample(diffusion, start, at - 1, noise) };
    }), [diffusion, start, noise, T]);
  const x = useMemo(() => Float64Array.from({ length: T }, (_, i) => i + 1), [T]);
  const { label, text, range } = CURVES[curve];
  const lines = useMemo(() => scheduleLines(schedules, curve, schedule), [schedules, schedule, curve]);

  const shape = { width: size, height: size, channels: 3 };
  const snr = diffusion.snr[t - 1];
  const facts: readonly (readonly [string, string])[] = [
    ["ᾱ, what is left of the image's variance", short(diffusion.alphasCumprod[t - 1])],
    ["1 − ᾱ, the variance of the noise", short(1 - diffusion.alphasCumprod[t - 1])],
    ["SNR", Number.isFinite(snr) ? short(snr) : "∞"],
    ["log SNR", Number.isFinite(Math.log(snr)) ? Math.log(snr).toFixed(2) : "−∞"],
    ["β, the variance of this one step", short(diffusion.betas[t - 1])],
  ];
  return (
    <div class="workspace">
      <div class="controls">
        <PictureInput label="Drop a picture here, or choose one" onPicture={setPicture} />
        <DrawPictureButton model={model} onPicture={setPicture} />
        <Select
          label="Schedule"
          value={schedule}
          options={SCHEDULES}
          onChange={(schedule) => change({ schedule })}
        />
        <NumberField label="T" value={query.T} min={2} max={10_000} onChange={(T) => change({ T, t: undefined })} />
        <Select label="Pixels" value={query.size} options={SIZES} onChange={(size) => change({ size })} />
        <NumberField label="Seed" value={query.seed} min={0} onChange={(seed) => change({ seed })} />
        <p class="hint">Your picture stays here: everything is computed in your browser.</p>
      </div>
      <div class="stage">
        <div class="forward">
          <figure>
            <figcaption>
              <i>x</i>
              <sub>0</sub> <span>the picture</span>
            </figcaption>
            <ValuesCanvas values={start} {...shape} label="The picture" />
          </figure>
          <figure>
            <figcaption>
              <i>
                x<sub>t</sub>
              </i>{" "}
              <span>
                one draw of q(x<sub>t</sub> | x<sub>0</sub>)
              </span>
            </figcaption>
            <ValuesCanvas values={noisy} {...shape} label={`The picture with the noise of t = ${t}`} />
          </figure>
          <Slider
            label="t"
            value={t}
            min={1}
            max={T}
            text={`${t} of ${T}`}
            onChange={(t) => change({ t: String(t) })}
          />
          <dl class="facts">
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </div>
        <ul class="strip">
          {strip.map(({ t: at, values }) => (
            <li key={at}>
              <button type="button" class="tile" aria-label={`t = ${at}`} onClick={() => change({ t: String(at) })}>
                <ValuesCanvas values={values} {...shape} label={`t = ${at}`} />
              </button>
              <span aria-hidden="true">{at}</span>
            </li>
          ))}
        </ul>
        <section class="curves" aria-label="Schedules">
          <RadioGroup
            label="All schedules"
            value={curve}
            options={Object.entries(CURVES).map(([name, { text }]) => [name as CurveName, text] as const)}
            onChange={(curve) => change({ curve })}
          />
          <Chart
            label={`${label}, over t, by all schedules; ${schedule} stands out`}
            xLabel="t"
            x={x}
            lines={lines}
            marker={t}
            range={range}
            onPick={(at) => change({ t: String(Math.min(T, Math.max(1, Math.round(at)))) })}
          />
          <ScheduleLegend value={schedule} onChange={(schedule: ScheduleName) => change({ schedule })} />
          <p class="hint">{text}: {label.toLowerCase()}. Click into the chart to go there.</p>
        </section>
      </div>
    </div>
  );
};
