import { openDataset } from "../../datasets/open.ts";
import { drawPictureTable } from "../../figures/picture_table.ts";
import { escapeTex } from "../../figures/typeset.ts";
import { type ByteImages, fromBytes } from "../../formats/pixels.ts";
import { EvaluationError } from "../error.ts";
import type { MetricFunction, MetricResult } from "../metric.ts";
import type { Subject } from "../subject.ts";
import type { FeatureRows } from "./feature_rows.ts";
import { featuresOfSet } from "./feature_store.ts";
import { checkExtents, datasetImages, type ImageSet, openSampleSet, type SampleSetOptions } from "./image_sets.ts";
import { findNearestImages, type NearestImages, pixelFeatures, quantile } from "./nearest_images.ts";

/** A sample and the learned image that is nearest to it. */
export interface NearestPair {
  readonly sample: ByteImages;
  readonly learned: ByteImages;
}

const pictureOf = ({ data, height, width, channels }: ByteImages) => ({
  height,
  width,
  channels,
  values: fromBytes(data),
});

const rowsOf = (head: string, pairs: readonly NearestPair[], apart: boolean) => [
  { head, apart, pictures: pairs.map(({ sample }) => pictureOf(sample)) },
  { head: "nearest learned", pictures: pairs.map(({ learned }) => pictureOf(learned)) },
];

/** The samples that come nearest to what was learned, the nearest first, and the first samples as they came. */
const nearestFigure = (
  { closest, first, samples, learned }: {
    closest: readonly NearestPair[];
    first: readonly NearestPair[];
    /** What is compared, for the caption. */
    samples: string;
    learned: string;
  },
): string =>
  drawPictureTable({
    title: "Samples, each over the learned image that is nearest to it",
    caption: {
      head: "Nearest neighbours.",
      text: escapeTex(
        `Under each sample stands the image nearest to it, by its pixels, of ${learned}. Above the samples that come ` +
          `nearest, below those that came first. Samples of ${samples}.`,
      ),
    },
    columns: closest.map(() => ({})),
    rows: [...rowsOf("closest samples", closest, false), ...rowsOf("first samples", first, true)],
  });

/** Samples that a model is asked for, if nobody says how many. */
const NEAREST_SAMPLES = 256;

/** Share of held-out images that lie nearer to a learned one than what is called near. */
const NEAR = 0.01;

interface NearestOptions extends SampleSetOptions {
  readonly cache: string;
  readonly heldOut?: string;
  readonly pairs: number;
}

/** Quantiles of the distances to the nearest learned images. */
const summarize = ({ rmse }: NearestImages) => ({
  images: rmse.length,
  least: quantile(rmse, 0),
  hundredth: quantile(rmse, NEAR),
  median: quantile(rmse, 0.5),
});

const summaryLine = (name: string, { images, least, hundredth, median }: ReturnType<typeof summarize>): string =>
  `${name.padEnd(9)} ${`${images}`.padStart(6)} images: median ${median.toFixed(2)}, 1 % below ${
    hundredth.toFixed(2)
  }, least ${least.toFixed(2)}`;

const checkSame = (set: ImageSet, learned: ImageSet): void => {
  checkExtents(set, learned);
  if (set.channels === learned.channels) return;
  throw new EvaluationError(
    `data must be images of ${set.channels} channels, as ${set.name} are, received ${learned.channels} (${learned.name})`,
  );
};

const imageAt = async (set: ImageSet, i: number, signal: AbortSignal) => {
  for await (const image of set.batches(i, i + 1, { batch: 1, signal, onStep: () => {} })) return image;
  throw new RangeError(`${set.name} has no image ${i}`);
};

/** Looks the images of a set up among those that were learned, with progress. */
const findNearest = (rows: FeatureRows, learned: ImageSet, { signal, report }: Subject): Promise<NearestImages> => {
  let step = 0;
  return findNearestImages(rows, learned, {
    signal,
    onStep: (images) => report({ event: "progress", step: step += images, steps: learned.count }),
  });
};

/** How near samples come to images that were learned, beside how near images do that were not. */
export const measureNearest: MetricFunction<NearestOptions> = async (
  subject,
  { heldOut, pairs, cache, ...options },
) => {
  using stack = new DisposableStack();
  const opened: Disposable[] = [];
  stack.defer(() => opened.forEach((one) => one[Symbol.dispose]()));
  const { signal, report, options: { n, batch, size, classes } } = subject;
  await subject.engine();
  const samples = await openSampleSet(subject, options, opened, { count: NEAREST_SAMPLES });
  const learned = datasetImages(await subject.data(), subject.options.data);
  checkSame(samples, learned);
  const store = { folder: cache, batch, signal, report };
  const rowsOf = (set: ImageSet, count: number) => featuresOfSet(set, pixelFeatures(set), count, store);

  const rows = await rowsOf(samples, n ?? samples.count);
  const near = await findNearest(rows, learned, subject);
  const found = summarize(near);

  const others = heldOut === undefined
    ? null
    : await openDataset(heldOut, { size, classes, signal, onProgress: report });
  if (others) opened.push(others);
  const unseen = others && datasetImages(others, heldOut!);
  if (unseen) checkSame(unseen, learned);
  const beside = unseen && summarize(await findNearest(await rowsOf(unseen, unseen.count), learned, subject));
  const nearer = beside && near.rmse.filter((rmse) => rmse < beside.hundredth).length / near.rmse.length;

  const pixels = ({ data }: FeatureRows, i: number) => ({
    data: Uint8Array.from(data.subarray(i * rows.size, (i + 1) * rows.size), (value) => value + 127.5),
    height: samples.height,
    width: samples.width,
    channels: samples.channels,
  });
  const pairOf = async (i: number): Promise<NearestPair> => ({
    sample: pixels(rows, i),
    learned: await imageAt(learned, near.index[i], signal),
  });
  const order = [...near.rmse.keys()].sort((a, b) => near.rmse[a] - near.rmse[b]).slice(0, pairs);
  const svg = nearestFigure({
    closest: await Promise.all(order.map(pairOf)),
    first: await Promise.all(order.map((_, i) => pairOf(i))),
    samples: samples.name,
    learned: learned.name,
  });
  const text = [
    "distance to the nearest learned image, RMSE of 255",
    summaryLine("samples", found),
    ...(beside ? [summaryLine("held out", beside)] : []),
    ...(nearer === null
      ? []
      : [`${(100 * nearer).toFixed(1)} % of the samples are nearer than 1 % of the held-out images`]),
    `  samples   ${samples.name}`,
    `  learned   ${learned.count} images of ${learned.name}`,
    ...(unseen ? [`  held out  ${unseen.name}`] : []),
  ].join("\n");
  const csv = ["sample,nearest,rmse", ...Array.from(near.rmse, (rmse, i) => `${i},${near.index[i]},${rmse}`)].join(
    "\n",
  );
  const document = {
    samples: { ...samples.key, of: samples.name, ...found },
    learned: { ...learned.key, of: learned.name, images: learned.count },
    heldOut: unseen && { ...unseen.key, of: unseen.name, ...beside },
    nearerThanOnePercentOfHeldOut: nearer,
    closest: order.map((i) => ({ sample: i, learned: near.index[i], rmse: near.rmse[i] })),
  };
  return { document, text, csv: `${csv}\n`, svg } satisfies MetricResult;
};
