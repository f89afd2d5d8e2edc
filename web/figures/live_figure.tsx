import type { ComponentChildren, ComponentType } from "preact";
import { DenoiseFigure } from "./denoise.tsx";
import { ForwardProcessFigure } from "./forward.tsx";
import { ParticlesFigure } from "./particles.tsx";
import { PosteriorFigure } from "./posterior.tsx";
import { SchedulesFigure } from "./schedules.tsx";
import { WeightsFigure } from "./weights.tsx";

/** A figure to try: its title, what it shows in one sentence, and the section of the reading that it belongs to. */
interface LiveFigureEntry {
  readonly title: string;
  readonly sentence: string;
  /** The heading's id in the reading. */
  readonly section: string;
  readonly Figure: ComponentType;
}

/** The figures by the names that web/paper/render.ts gives their slots, in the order of the tab Try it. */
export const LIVE_FIGURES: Readonly<Record<string, LiveFigureEntry>> = {
  forward: {
    title: "eq. 4 on a picture",
    sentence: "A noisy image is part picture, part noise: t sets the proportions.",
    section: "2-forward-from-an-image-to-noise",
    Figure: ForwardProcessFigure,
  },
  particles: {
    title: "the samplers, on a plane",
    sentence: "Noise flows to eight clusters. Choose the sampler and the number of steps.",
    section: "13-algorithm-2-sampling",
    Figure: ParticlesFigure,
  },
  denoise: {
    title: "Algorithm 2, now",
    sentence: "A trained model turns noise into images, one small step after another.",
    section: "13-algorithm-2-sampling",
    Figure: DenoiseFigure,
  },
  schedules: {
    title: "all schedules",
    sentence: "A schedule decides how fast noise covers the image; compare eight of them.",
    section: "15-schedules-and-what-came-after",
    Figure: SchedulesFigure,
  },
  posterior: {
    title: "Bayes' rule for one pixel",
    sentence: "If you know the image, one step back is a Gaussian: the product of two others.",
    section: "3-the-step-back-if-the-image-is-known",
    Figure: PosteriorFigure,
  },
  weights: {
    title: "what the losses weigh",
    sentence: "Losses differ in the weight of the error at each t; the simple loss weighs all t equally.",
    section: "9-l-mathrm-simple-leave-the-weights-out",
    Figure: WeightsFigure,
  },
};

/** A figure in its frame; the sentence where the text around does not say it. */
export const LiveFigure = ({ name, children }: { name: string; children?: ComponentChildren }) => {
  const { title, Figure } = LIVE_FIGURES[name];
  return (
    <section class="live" aria-label={`Try it: ${title}`}>
      <p class="live-title">Try it: {title}</p>
      {children}
      <Figure />
    </section>
  );
};
