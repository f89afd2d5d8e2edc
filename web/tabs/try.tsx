import { LIVE_FIGURES, LiveFigure } from "../figures/live_figure.tsx";
import { goTo, hrefOf } from "../state/address.ts";

/** The figures of the reading by themselves, each with a sentence and the way to its section. */
export const Try = () => (
  <div class="gallery">
    <p class="lead">
      Six small experiments with diffusion. Move what can be moved: all but one are computed in your browser.
    </p>
    {Object.entries(LIVE_FIGURES).map(([name, { sentence, section, title }]) => (
      <LiveFigure key={name} name={name}>
        <p class="sentence">
          {sentence}{" "}
          <a
            href={hrefOf("paper", { at: section })}
            aria-label={`Read why: ${title}`}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey) return;
              event.preventDefault();
              goTo("paper", { at: section });
            }}
          >
            Read why
          </a>
        </p>
      </LiveFigure>
    ))}
  </div>
);
