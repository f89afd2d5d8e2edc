import { useState } from "preact/hooks";

/** The model that drew the stored film. */
export const SHOW_MODEL = "emoji";

const STILL = "page/film.png", FILM = "page/film.gif";

/** Images of the project's own model, from noise to picture, before any have been asked for; docs/figures tells how. */
export const Opening = ({ disabled, onDraw }: { disabled: boolean; onDraw: () => void }) => {
  const [isPlaying, play] = useState(() => !matchMedia("(prefers-reduced-motion: reduce)").matches);
  return (
    <section class="opening" aria-labelledby="opening">
      <div class="of-x">
        <img
          src={isPlaying ? FILM : STILL}
          width="172"
          height="172"
          alt={isPlaying ? "Twenty-five emoji emerge from noise" : "Twenty-five emoji drawn by a model"}
        />
        <button type="button" class="quiet" onClick={() => play(!isPlaying)}>{isPlaying ? "Pause" : "Play"}</button>
      </div>
      <div class="of-x0">
        <h2 id="opening">Pictures out of noise</h2>
        <p>
          A small neural network drew these, each from random noise, by removing a little of the noise at a time.
        </p>
        <button type="button" class="main" disabled={disabled} onClick={onDraw}>Draw new ones</button>
      </div>
    </section>
  );
};
