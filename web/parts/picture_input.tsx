import { useState } from "preact/hooks";
import { useUniqueId } from "../state/unique_id.ts";

/** A picture that the reader gave, decoded. */
export type Picture = ImageBitmap | HTMLCanvasElement;

const decodeFile = async (file: Blob): Promise<ImageBitmap> =>
  await createImageBitmap(file).catch(() => {
    throw new Error("That is no picture that this browser can read.");
  });

/** Takes a picture: dropped, chosen or pasted. It stays in the browser until it is drawn with. */
export const PictureInput = ({ label, onPicture }: { label: string; onPicture: (picture: Picture) => void }) => {
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
