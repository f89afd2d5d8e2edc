import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { apiKey, sendRequest, sharedUrl, SITE_MODELS } from "../api/client.ts";
import type { DrawingAnswer } from "../api/types.ts";
import { hrefOf } from "../state/address.ts";
import type { DrawingProgress, DrawRequest } from "../state/drawing.ts";
import { bytesOf, type Grid, save, tileOrigin } from "../state/pictures.ts";
import { useStore } from "../state/store.ts";
import { Dialog } from "./dialog.tsx";
import { ErrorNotice } from "./notice.tsx";

/** A line to take along, with a button that copies it. */
const CopyLine = ({ label, text, href }: { label: string; text: string; href?: string }) => {
  const [caption, setCaption] = useState("Copy");
  useEffect(() => {
    if (caption === "Copy") return;
    const timer = setTimeout(() => setCaption("Copy"), 2000);
    return () => clearTimeout(timer);
  }, [caption]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(() => setCaption("Copied"), () => setCaption("Select it, then Ctrl-C"));
  return (
    <div class="line">
      <dt>{label}</dt>
      <dd>
        <code tabIndex={0}>{href ? <a href={href}>{text}</a> : text}</code>
        <button type="button" class="quiet" aria-label={`Copy: ${label}`} onClick={copy}>
          <span aria-live="polite">{caption}</span>
        </button>
      </dd>
    </div>
  );
};

/** Where a GET gives one image of a drawing. */
const linkTo = ({ body }: DrawRequest, index: number): string => {
  const query = new URLSearchParams();
  const own = { ...body, n: undefined, first: index === 0 ? undefined : index };
  for (const [name, value] of Object.entries(own)) if (value !== undefined) query.set(name, String(value));
  return sharedUrl(`/generate?${query}`);
};

/** Whether a film shows all images of a drawing: what lies between two images is seen beside its neighbours. */
const isOfAll = ({ path }: DrawRequest): boolean => path === "/interpolate";

/** Asks for the film of an image. */
const filmOf = (request: DrawRequest, index: number): Record<string, unknown> => ({
  ...request.body,
  ...(isOfAll(request) ? {} : { n: 1, first: index === 0 ? undefined : index }),
  format: "apng",
});

/** A text as one word of a POSIX shell. */
const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const authorization = (key: string | null): string => key === null ? "" : ' -H "Authorization: Bearer $KEY"';

/** The curl line that makes the images of a request which took pictures. */
const curlForm = ({ path, body }: DrawRequest, key: string | null): string => {
  const fields = Object.entries(body).filter(([, value]) => value !== undefined).map(([name, value]) =>
    String(value).startsWith("data:") ? `-F ${name}=@${name}.png` : `-F ${shellQuote(`${name}=${value}`)}`
  );
  return `curl -o a.png${authorization(key)} ${fields.join(" ")} ${shellQuote(sharedUrl(path))}`;
};

const FactLine = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div class="line">
    <dt>{name}</dt>
    <dd>
      <code>{children}</code>
    </dd>
  </div>
);

/** One image, and all that takes it along. */
const ImageWindow = ({ index, name, request, result, picture, grid, onClose }: {
  index: number;
  /** What the image is called where it has no class. */
  name: string;
  request: DrawRequest;
  result: DrawingAnswer | null;
  picture: ImageBitmap | null;
  grid: Grid;
  onClose: () => void;
}) => {
  const canvas = useRef<HTMLCanvasElement>(null);
  const key = useStore(apiKey);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const { width, height } = grid;
  const { seed, steps, sampler } = request.body as Record<string, string | number>;
  const image = result?.images[index];
  const hasLink = request.path === "/generate";
  const link = linkTo(request, index);
  // Where no server answers a link, it leads to the page as it is.
  const page = SITE_MODELS === null ? null : new URL(hrefOf("generate"), document.baseURI).href;

  useEffect(() => {
    if (picture === null) return;
    const [x, y] = tileOrigin(grid, index);
    canvas.current!.getContext("2d")!.drawImage(picture, x, y, width, height, 0, 0, width, height);
  }, [picture]);

  const file = `${request.model.name}-${seed}-${index}`;
  const takeFilm = async () => {
    setBusy(true);
    setError(null);
    try {
      const response = await sendRequest(request.path, { body: filmOf(request, index), accept: "image/apng" });
      save(await response.blob(), `${file}-film.png`);
    } catch (error) {
      setError(error as Error);
    } finally {
      setBusy(false);
    }
  };

  const title = image?.label === undefined ? name : `${name}: ${image.label}`;
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="image-window">
        <canvas ref={canvas} width={width} height={height} role="img" aria-label={title} />
        <div>
          <dl>
            <FactLine name="Seed">{seed}</FactLine>
            <FactLine name="Sampler">{sampler}, {steps} steps</FactLine>
            {hasLink && <CopyLine label="Link" text={page ?? link} href={key === null ? page ?? link : undefined} />}
            <CopyLine
              label={page === null ? "curl" : "curl, with a server of your own"}
              text={hasLink ? `curl -o a.png${authorization(key)} ${shellQuote(link)}` : curlForm(request, key)}
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
              onClick={() => save(new Blob([bytesOf(image!.image)], { type: "image/png" }), `${file}.png`)}
            >
              Save PNG
            </button>
            <button type="button" disabled={isBusy} onClick={takeFilm}>
              {isBusy ? "Drawing …" : isOfAll(request) ? "Save film of all (APNG)" : "Save film (APNG)"}
            </button>
          </div>
          {image === undefined && <p class="hint">It is still being drawn.</p>}
          {error && <ErrorNotice error={error} />}
        </div>
      </div>
    </Dialog>
  );
};

/** The window of the image that was picked out of a drawing; nothing while none is, or nothing has been drawn. */
export const PickedImage = ({ index, nameOf, progress: { request, result, grid, frames }, onClose }: {
  index: number | null;
  /** What an image is called where it has no class. */
  nameOf: (index: number) => string;
  progress: DrawingProgress;
  onClose: () => void;
}) => {
  if (index === null || request === null || grid === null) return null;
  const picture = frames.at(-1)?.x ?? null;
  return <ImageWindow name={nameOf(index)} {...{ index, request, result, grid, picture, onClose }} />;
};
