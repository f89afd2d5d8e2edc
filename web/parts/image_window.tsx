import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { at } from "../api/base.ts";
import { apiKey } from "../api/key.ts";
import { ask } from "../api/request.ts";
import type { Drawing } from "../api/types.ts";
import type { DrawRequest } from "../state/drawing.ts";
import { bytesOf, type Grid, placeOf, save } from "../state/pictures.ts";
import { useStore } from "../state/store.ts";
import { CopyLine } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";
import { Wrong } from "./notice.tsx";

/** Where a GET gives one image of a drawing. */
export const linkTo = ({ body }: DrawRequest, index: number): string => {
  const query = new URLSearchParams();
  const own = { ...body, n: undefined, first: index === 0 ? undefined : index };
  for (const [name, value] of Object.entries(own)) if (value !== undefined) query.set(name, String(value));
  return at(`/generate?${query}`);
};

/** A text as one word of a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const authorization = (key: string | null): string => key === null ? "" : ' -H "Authorization: Bearer $KEY"';

/** The curl line that makes the images of a request which took pictures. */
const curlForm = ({ path, body }: DrawRequest, key: string | null): string => {
  const fields = Object.entries(body).filter(([, value]) => value !== undefined).map(([name, value]) =>
    String(value).startsWith("data:") ? `-F ${name}=@${name}.png` : `-F ${quoted(`${name}=${value}`)}`
  );
  return `curl -o a.png${authorization(key)} ${fields.join(" ")} ${quoted(at(path))}`;
};

const Line = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div class="line">
    <dt>{name}</dt>
    <dd>
      <code>{children}</code>
    </dd>
  </div>
);

/** One image, and all that takes it along. */
export const ImageWindow = ({ index, request, result, picture, grid, onClose }: {
  index: number;
  request: DrawRequest;
  result: Drawing | null;
  picture: ImageBitmap | null;
  grid: Grid;
  onClose: () => void;
}) => {
  const canvas = useRef<HTMLCanvasElement>(null);
  const key = useStore(apiKey);
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const { width, height } = grid;
  const { seed, steps, sampler } = request.body as Record<string, string | number>;
  const image = result?.images[index];
  const hasLink = request.path === "/generate";
  const link = linkTo(request, index);

  useEffect(() => {
    if (picture === null) return;
    const [x, y] = placeOf(grid, index);
    canvas.current!.getContext("2d")!.drawImage(picture, x, y, width, height, 0, 0, width, height);
  }, [picture]);

  const name = `${request.model.name}-${seed}-${index}`;
  const takeFilm = async () => {
    setBusy("film");
    setError(null);
    try {
      const { pathname, search } = new URL(link);
      const below = pathname.slice(new URL(at("")).pathname.length);
      const response = await ask(`${below}${search}&format=apng`, { accept: "image/apng" });
      save(await response.blob(), `${name}-film.png`);
    } catch (error) {
      setError(error as Error);
    } finally {
      setBusy(null);
    }
  };

  const title = image?.label === undefined ? `Image ${index + 1}` : `Image ${index + 1}: ${image.label}`;
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="image-window">
        <canvas ref={canvas} width={width} height={height} role="img" aria-label={title} />
        <div>
          <dl>
            <Line name="Seed">{seed}</Line>
            <Line name="Sampler">{sampler}, {steps} steps</Line>
            {hasLink && <CopyLine label="Link" text={link} href={key === null ? link : undefined} />}
            <CopyLine
              label="curl"
              text={hasLink ? `curl -o a.png${authorization(key)} ${quoted(link)}` : curlForm(request, key)}
            />
          </dl>
          {hasLink && key !== null && (
            <p class="hint">
              The link takes a key, which a browser does not send by itself: use curl, or save it here.
            </p>
          )}
          <div class="buttons">
            <button
              type="button"
              disabled={image === undefined}
              onClick={() => save(new Blob([bytesOf(image!.image)], { type: "image/png" }), `${name}.png`)}
            >
              Save PNG
            </button>
            {hasLink && (
              <button type="button" disabled={busy !== null} onClick={takeFilm}>
                {busy === null ? "Save film (APNG)" : "Drawing …"}
              </button>
            )}
          </div>
          {image === undefined && <p class="hint">It is still being drawn.</p>}
          {error && <Wrong error={error} />}
        </div>
      </div>
    </Dialog>
  );
};
