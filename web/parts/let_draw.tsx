import { useState } from "preact/hooks";
import { askJson } from "../api/request.ts";
import type { Drawing, Model } from "../api/types.ts";
import { decode } from "../state/pictures.ts";
import { Wrong } from "./notice.tsx";
import { anySeed } from "./sampling.tsx";

/** A button that has the model draw a picture to work with. */
export const LetDraw = ({ model, label = "Let the model draw one", onPicture }: {
  model: Model | undefined;
  label?: string;
  onPicture: (picture: ImageBitmap) => void;
}) => {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const draw = async () => {
    setBusy(true);
    setError(null);
    try {
      const classes = model!.labels?.length ?? 0;
      const body = {
        model: model!.name,
        sampler: "ddim",
        steps: Math.min(30, model!.timesteps),
        seed: Number(anySeed()),
        ...(classes > 0 ? { label: Math.floor(Math.random() * classes) } : {}),
        format: "json",
      };
      const { images } = await askJson<Drawing>("/generate", { body });
      onPicture(await decode(images[0].image));
    } catch (error) {
      setError(error as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="wide let-draw">
      <button type="button" disabled={busy || !model} onClick={draw}>{busy ? "Drawing …" : label}</button>
      {error && <Wrong error={error} />}
    </div>
  );
};
