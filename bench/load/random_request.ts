import { fillNormal } from "../../core/noise.ts";
import { toBytes } from "../../formats/pixels.ts";
import { encodePng } from "../../formats/png.ts";
import type { Chance } from "../chance.ts";

/** A request that draws, and what is wanted of it. */
export interface DrawingRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | FormData;
  /** Whether its answer is the same, bit for bit, whenever it is asked. */
  readonly isExact: boolean;
}

type Fields = Record<string, string | number | undefined>;

const EXACT = ["png", "npy", "npz", "apng", "gif"] as const;
const FORMATS = [...EXACT, ...EXACT, "json", "multipart", "event-stream"] as const;

const picture = ({ integer }: Chance, channels: number): Uint8Array<ArrayBuffer> => {
  const [height, width] = [integer(4, 24), integer(4, 24)];
  const noise = fillNormal(new Float32Array(height * width * channels), { seed: integer(0, 1e9), sample: 0, step: 0 });
  return encodePng({ data: toBytes(noise), height, width, channels });
};

const sampling = ({ integer, pick, number }: Chance, sampler: string, labels: readonly string[]): Fields => ({
  seed: integer(0, 2 ** 40),
  sampler,
  steps: pick([integer(1, 10), integer(10, 50), integer(50, 100)]),
  spacing: pick([undefined, "leading", "linspace", "trailing"]),
  eta: sampler === "ddim" ? pick([undefined, 0, 0.7, 1]) : undefined,
  variance: sampler === "ddpm" ? pick([undefined, "fixed_small", "fixed_large"]) : undefined,
  label: pick([undefined, ...labels]),
  guidance: pick([1, 1, 1 + 4 * number()]),
});

const fieldsOf = (task: string, chance: Chance, labels: readonly string[]): Fields => {
  const { integer, pick } = chance;
  const any = () => pick(["ddpm", "ddim", "heun", "dpmsolver++"]);
  switch (task) {
    case "reconstruct":
      return { steps: integer(1, 30), label: pick(labels) };
    case "inpaint":
      return {
        ...sampling(chance, pick(["ddpm", "ddim"]), labels),
        n: integer(1, 2),
        steps: integer(1, 20),
        jumpLength: integer(1, 5),
        jumpSamples: integer(1, 3),
      };
    case "interpolate":
      return { ...sampling(chance, any(), labels), lambdas: integer(2, 5), method: pick(["linear", "spherical"]) };
    case "img2img":
      return { ...sampling(chance, any(), labels), n: integer(1, 4), t: integer(0, 99) };
    case "forward":
      return { count: integer(2, 8), seed: integer(0, 1e9) };
    default:
      return { ...sampling(chance, any(), labels), n: integer(1, 4) };
  }
};

const IMAGES: Record<string, readonly string[]> = {
  img2img: ["image"],
  inpaint: ["image", "mask"],
  interpolate: ["imageA", "imageB"],
  reconstruct: ["image"],
  forward: ["image"],
};

/** A request of any task, sampler, number of steps and images, class, guidance and format; its seed is given. */
export const randomRequest = (chance: Chance, labels: readonly string[]): DrawingRequest => {
  const { pick } = chance;
  const task = pick([
    "generate",
    "generate",
    "generate",
    "img2img",
    "inpaint",
    "interpolate",
    "reconstruct",
    "forward",
  ]);
  const format = pick(FORMATS);
  const fields: Fields = { ...fieldsOf(task, chance, labels), format };
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined) as [string, string | number][];
  const isExact = (EXACT as readonly string[]).includes(format);
  const images = (IMAGES[task] ?? []).map((name) => [name, picture(chance, name === "mask" ? 1 : 3)] as const);

  if (images.length === 0 && pick([true, false])) {
    const query = new URLSearchParams(entries.map(([name, value]) => [name, String(value)]));
    return { method: "GET", path: `/${task}?${query}`, headers: {}, isExact };
  }
  if (images.length > 0 && pick([true, false])) {
    const body = new FormData();
    for (const [name, value] of entries) body.set(name, String(value));
    for (const [name, bytes] of images) body.set(name, new Blob([bytes], { type: "image/png" }), `${name}.png`);
    return { method: "POST", path: `/${task}`, headers: {}, body, isExact };
  }
  const sent = images.map(([name, bytes]) => [name, bytes.toBase64()] as const);
  return {
    method: "POST",
    path: `/${task}`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(Object.fromEntries([...entries, ...sent])),
    isExact,
  };
};
