import {
  betaSchedule,
  calcBpd,
  compilePlan,
  createDiffusion,
  fillNormal,
  interpolateLatents,
  permutation,
  qSample,
  sample,
  SAMPLERS,
  SCHEDULES,
} from "../../core/mod.ts";

/** FNV-1a of the bytes, in hexadecimal. */
const hash = (...arrays: ArrayBufferView[]): string => {
  let state = 0x811c9dc5;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) state = Math.imul(state ^ byte, 0x01000193);
  }
  return (state >>> 0).toString(16).padStart(8, "0");
};

/** What core computes of all that engines could do differently. */
export interface Digest {
  /** Made by + − × ÷ √ alone: the bits must be the same everywhere. */
  exact: Record<string, string>;
  /** Made with Math.exp, log or cos as well, whose last bit differs between engines. */
  close: Record<string, number[]>;
}

/** Computes the digest: noise, the forward process, schedules, plans, images and the bound. */
export const digest = async (): Promise<Digest> => {
  const noise = fillNormal(new Float32Array(100_003), { seed: 2 ** 40 + 7, sample: 3, step: 5 });
  const diffusion = createDiffusion(betaSchedule("linear", 50, { betaEnd: 0.2 }));
  const plans = SAMPLERS.map((sampler) => compilePlan({ sampler, diffusion, steps: 10 }));
  const evaluate = (x: Float32Array) => x.map((value) => 0.5 * value);
  const images = [];
  for (const plan of plans) images.push(await sample({ plan, shape: [2, 4, 4, 3], evaluate, seed: 1 }));
  const [bound] = await calcBpd(diffusion, images[0].subarray(0, 48), { evaluate });
  return {
    exact: {
      noise: hash(noise),
      permutation: hash(permutation(1000, { seed: 1, epoch: 2 })),
      forward: hash(qSample(diffusion, noise, 30, noise)),
    },
    close: {
      schedules: SCHEDULES.flatMap((name) => [...betaSchedule(name, 100)]),
      plans: plans.flatMap(({ rows }) =>
        rows.flatMap(({ timestep, p, q, a, b, h, c }) => [timestep, p, q, a, b, h, c])
      ),
      images: images.flatMap((image) => [...image]),
      interpolation: [
        ...interpolateLatents(diffusion, images[0], images[1], { t: 9, lambda: 0.3, method: "spherical" }),
      ],
      bound: [...bound.terms, bound.total],
    },
  };
};
