import { useMemo, useState } from "preact/hooks";
import { betaSchedule, createDiffusion, fillNormal, qSample } from "../../core/mod.ts";
import { Slider } from "../parts/fields.tsx";
import { ValuesCanvas } from "../parts/values_canvas.tsx";
import { hrefOf } from "../state/address.ts";
import { examplePicture, fit, toValues } from "../state/pictures.ts";

const T = 1000;
const SHAPE = { width: 48, height: 48, channels: 3 };

/** Eq. 4 on a picture: the more of the noise, the less of the image. */
export const ForwardProcessFigure = () => {
  const [t, setT] = useState(150);
  const diffusion = useMemo(() => createDiffusion(betaSchedule("linear", T)), []);
  const start = useMemo(() => toValues(fit(examplePicture(), SHAPE.width, SHAPE.height), 3), []);
  const noise = useMemo(() => fillNormal(new Float32Array(start.length), { seed: 7, sample: 0, step: 0 }), []);
  const noisy = useMemo(() => qSample(diffusion, start, t - 1, noise), [t]);
  const signal = diffusion.sqrtAlphasCumprod[t - 1];
  const share = diffusion.sqrtOneMinusAlphasCumprod[t - 1];
  return (
    <>
      <div class="equation-of-images">
        <ValuesCanvas values={noisy} {...SHAPE} label={`x_t at t = ${t}`} />
        <span>= {signal.toFixed(3)} ·</span>
        <ValuesCanvas values={start} {...SHAPE} label="x_0" />
        <span>+ {share.toFixed(3)} ·</span>
        <ValuesCanvas values={noise} {...SHAPE} label="ε" />
      </div>
      <Slider label="t" value={t} min={1} max={T} onChange={setT} />
      <p class="hint">
        With a picture of yours, and every schedule: <a href={hrefOf("forward")}>Forward</a>.
      </p>
    </>
  );
};
