import { useEffect, useRef } from "preact/hooks";
import type { Model } from "../api/types.ts";
import { DrawBar, DrawProblem } from "../parts/draw_bar.tsx";
import { useSubmit } from "../parts/fields.tsx";
import { FilmPlayer } from "../parts/film.tsx";
import { anySeed, EXAMPLE_STEPS } from "../parts/sampling.tsx";
import { WithModels } from "../parts/with_models.tsx";
import { hrefOf } from "../state/address.ts";
import { useDrawing } from "../state/drawing.ts";
import { gridOf } from "../state/pictures.ts";

const COUNT = 5;
const STEPS = 50;
const EXAMPLE_SEED = 1;

const LiveDenoising = ({ model }: { model: Model }) => {
  const drawer = useDrawing();
  const form = useRef<HTMLFormElement>(null);
  const start = (seed: number, steps: number, isExample = false) =>
    drawer.start({
      path: "/generate",
      body: { model: model.name, n: COUNT, sampler: "ddpm", steps: Math.min(steps, model.timesteps), seed },
      model,
      count: COUNT,
      isExample,
    });
  useEffect(() => {
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      seen.disconnect();
      if (!hasBegun.current) start(EXAMPLE_SEED, EXAMPLE_STEPS, true);
    });
    seen.observe(form.current!);
    return () => seen.disconnect();
  }, []);
  const hasBegun = useRef(false);
  const onSubmit = useSubmit(() => {
    hasBegun.current = true;
    start(Number(anySeed()), STEPS);
  });
  return (
    <form ref={form} onSubmit={onSubmit} class="figure-form">
      <DrawBar drawer={drawer} />
      <DrawProblem drawer={drawer} />
      <FilmPlayer progress={drawer.progress} grid={gridOf(COUNT, model)} labelOf={(i) => `Image ${i + 1}`} />
      <p class="hint">
        This server's model {model.name}, by Algorithm 2 in {Math.min(STEPS, model.timesteps)}{" "}
        steps. All there is to choose: <a href={hrefOf("generate")}>Generate</a>.
      </p>
    </form>
  );
};

/** Algorithm 2 by the server's model, as it happens. */
export const DenoiseFigure = () => <WithModels>{([model]) => <LiveDenoising model={model} />}</WithModels>;
