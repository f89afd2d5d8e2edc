import { useState } from "preact/hooks";
import { requestJson } from "../api/client.ts";
import type { DrawingAnswer, Model } from "../api/types.ts";
import { decode } from "../state/pictures.ts";
import { useUniqueId } from "./fields.tsx";
import { ErrorNotice } from "./notice.tsx";
import { anySeed, SAMPLING_DEFAULTS, samplingBody, withRecommended } from "./sampling.tsx";

/** A picture that the reader gave, decoded. */
export type InputPicture = ImageBitmap | HTMLCanvasElement;

const decodeFile = async (file: Blob): Promise<ImageBitmap> =>
  await createImageBitmap(file).catch(() => {
    throw new Error("This browser cannot read that file as a picture.");
  });

/** Takes a picture: dropped, chosen or pasted. It stays in the browser until it is drawn with. */
export const PictureInput = ({ label, onPicture }: { label: string; onPicture: (picture: InputPicture) => void }) => {
  const id = useUniqueId();
  const [isOver, setOver] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const take = async (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (!file) return;
    try {
      onPicture(await decodeFile(file));
      setWrong(null);
    } catch (error) {
      setWrong((error as Error).message);
    }
  };
  return (
    <div class="picture-input">
      <div
        class={`drop${isOver ? " is-over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          take(event.dataTransfer?.files);
        }}
        onPaste={(event) => take(event.clipboardData?.files)}
      >
        <label for={id}>{label}</label>
        <input
          id={id}
          type="file"
          accept="image/png,image/jpeg,image/webp,image/*"
          onChange={({ currentTarget }) => {
            take(currentTarget.files);
            currentTarget.value = "";
          }}
        />
      </div>
      {wrong && <p class="wrong" role="alert">{wrong}</p>}
    </div>
  );
};

/** A picture by the model, of its own extent, as its card recommends. */
export const drawModelPicture = async (model: Model, { seed, label, steps }: {
  seed: number;
  /** Index of a class, where the model has classes. */
  label: number;
  /** Fewer than the card says. */
  steps?: number;
}): Promise<ImageBitmap> => {
  const own = samplingBody(withRecommended(SAMPLING_DEFAULTS, model), model);
  const body = {
    ...own,
    ...(steps === undefined ? {} : { steps: Math.min(steps, Number(own.steps)) }),
    seed,
    ...(model.labels?.length ? { label } : {}),
    format: "json",
  };
  const { images } = await requestJson<DrawingAnswer>("/generate", { body });
  return await decode(images[0].image);
};

/** A button that has the model draw a picture to work with. */
export const DrawPictureButton = ({ model, label = "Let the model draw one", onPicture }: {
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
      const label = Math.floor(Math.random() * (model!.labels?.length ?? 0));
      onPicture(await drawModelPicture(model!, { seed: Number(anySeed()), label }));
    } catch (error) {
      setError(error as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="wide let-draw">
      <button type="button" disabled={busy || !model} onClick={draw}>{busy ? "Drawing …" : label}</button>
      {error && <ErrorNotice error={error} />}
    </div>
  );
};
