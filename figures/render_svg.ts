import { initWasm, Resvg } from "@resvg/resvg-wasm";
import { encodePng } from "../formats/png.ts";

let ready: Promise<void> | null = null;

const start = async (): Promise<void> => {
  await initWasm(await Deno.readFile(new URL(import.meta.resolve("@resvg/resvg-wasm/index_bg.wasm"))));
};

const isGray = (pixels: Uint8Array): boolean => {
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false;
  }
  return true;
};

/**
 * An SVG as PNG: gray where it has no colour, RGB otherwise, what is transparent on white.
 *
 * Text is left out unless it is paths, as `typeset` makes it: no font of the machine is asked, so the picture is the same
 * everywhere.
 *
 * @param options.scale pixels of one of the SVG's units; 2 by default, for screens of today
 * @throws {SyntaxError} if it is no SVG
 */
export const renderSvg = async (
  svg: string,
  { scale = 2 }: { scale?: number } = {},
): Promise<Uint8Array<ArrayBuffer>> => {
  await (ready ??= start());
  const options = { fitTo: { mode: "zoom", value: scale }, background: "#fff" } as const;
  const image = (() => {
    try {
      return new Resvg(svg, options).render();
    } catch (cause) {
      throw new SyntaxError(`cannot render the SVG: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  })();
  const { width, height, pixels } = image;
  const channels = isGray(pixels) ? 1 : 3;
  const data = new Uint8Array(width * height * channels);
  for (let i = 0, at = 0; at < data.length; i += 4) for (let c = 0; c < channels; c++) data[at++] = pixels[i + c];
  image.free();
  return encodePng({ data, width, height, channels }, { level: 9 });
};
