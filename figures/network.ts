import type { Prediction } from "../core/mod.ts";
import { architectureOf, type Layer, unetParameters } from "../model/architecture.ts";
import { sampleShape, type UNetConfig } from "../model/unet_config.ts";
import { element, shortNumber, svgDocument } from "./svg.ts";
import { paragraph, typeset } from "./typeset.ts";

/** What a bar of the figure is. */
const KINDS = {
  conv: { colour: "#9aa4ad", name: "convolution" },
  residual: { colour: "#0072b2", name: "residual block" },
  attention: { colour: "#d55e00", name: "residual block with attention" },
  resample: { colour: "#009e73", name: "change of resolution" },
} as const;

/** One layer: what it is, and what it gives. */
interface Bar {
  readonly kind: keyof typeof KINDS;
  /** Times that the resolution has been halved. */
  readonly level: number;
  readonly channels: number;
  /** Its output is kept for the way up. */
  readonly gives?: boolean;
  /** It takes what was kept last. */
  readonly takes?: boolean;
}

/** The layers of a U-Net in the order in which it runs them. */
const barsOf = (config: UNetConfig): Bar[] => {
  const { down, mid, up } = architectureOf(config);
  const layer = (at: Layer, level: number): Bar => ({
    kind: at.attention === null ? "residual" : "attention",
    level,
    channels: at.outChannels,
  });
  const last = down.length - 1;
  return [
    { kind: "conv", level: 0, channels: config.block_out_channels[0], gives: true },
    ...down.flatMap(({ layers, resample, channels }, level): Bar[] => [
      ...layers.map((at) => ({ ...layer(at, level), gives: true })),
      ...(resample === null ? [] : [{ kind: "resample" as const, level: level + 1, channels, gives: true }]),
    ]),
    ...mid.map((at) => layer(at, last)),
    ...up.flatMap(({ layers, resample, channels }, i): Bar[] => [
      ...layers.map((at) => ({ ...layer(at, last - i), takes: true })),
      ...(resample === null ? [] : [{ kind: "resample" as const, level: last - i - 1, channels }]),
    ]),
    { kind: "conv", level: 0, channels: config.out_channels },
  ];
};

const OUTPUTS: Record<Prediction, string> = {
  epsilon: "$\\epsilon_\\theta$",
  sample: "$\\hat x_0$",
  v_prediction: "$v_\\theta$",
};

const INK = "#222", FLOW = "#555", SKIP = "#b0b6bb";
const MARGIN = 16, WIDTH = 936, SIDE = 74, TEXT = 14, SMALL = 12.5, ROW_GAP = 40, HIGHEST = 76, LOWEST = 22;

const line = (points: readonly (readonly [number, number])[], stroke: string, width = 1.2): string =>
  element("path", {
    d: `M${points.map(([x, y]) => `${shortNumber(x)} ${shortNumber(y)}`).join("L")}`,
    fill: "none",
    stroke,
    "stroke-width": width,
  });

/** The head of an arrow that points right (dx 1) or down. */
const head = (x: number, y: number, isDown = false, fill = FLOW): string => {
  const points = isDown ? [[x, y], [x - 3, y - 6], [x + 3, y - 6]] : [[x, y], [x - 6, y - 3], [x - 6, y + 3]];
  return element("path", { d: `M${points.map((point) => point.map(shortNumber).join(" ")).join("L")}Z`, fill });
};

/** Boxes in a row with arrows between them, what goes into a block. */
const pipeline = (
  words: readonly string[],
  { x, y, colour }: { x: number; y: number; colour: string },
): string => {
  const [padding, gap, height] = [8, 15, 24];
  let at = x;
  return words.map((word, i) => {
    const text = typeset(word, { size: SMALL, fill: INK });
    const width = text.width + 2 * padding;
    const left = at;
    at += width + gap;
    return element("rect", { x: left, y, width, height, rx: 3, fill: "#fff", stroke: colour }) +
      text.at(left + width / 2, y + height / 2 + 4, { anchor: "middle" }) +
      (i === 0
        ? ""
        : line([[left - gap, y + height / 2], [left - 5, y + height / 2]], FLOW) + head(left - 1, y + height / 2));
  }).join("");
};

/** What the figure of a network shows. */
export interface NetworkFigureInput {
  readonly config: UNetConfig;
  /** What its output stands for. */
  readonly prediction: Prediction;
  /** Ends the caption. */
  readonly note: string;
}

/**
 * The U-Net of Ho et al. 2020, appendix B, as a configuration spells it out: a bar a layer in the order of evaluation, a
 * row a resolution, and the skip connections between them.
 */
export const networkFigure = ({ config, prediction, note }: NetworkFigureInput): string => {
  const [height, width] = sampleShape(config);
  const bars = barsOf(config);
  const levels = config.block_out_channels.length;
  const skips = bars.filter(({ gives }) => gives);
  const most = Math.max(
    ...Array.from({ length: levels }, (_, own) => skips.filter(({ level }) => level === own).length),
  );

  // Rows: room for the nested skips above, then the bars, each row lower than the one before.
  const lift = Math.min(6, 30 / most);
  const tallAt = (level: number) => Math.max(LOWEST, HIGHEST * 0.72 ** level);
  const tops: number[] = [];
  let bottom = MARGIN + 24;
  for (let level = 0; level < levels; level++) {
    const count = skips.filter((one) => one.level === level).length;
    tops.push(bottom + count * lift + 8);
    bottom = tops[level] + tallAt(level) + ROW_GAP;
  }
  const step = (WIDTH - SIDE - 96) / bars.length;
  const bar = Math.min(22, step * 0.62);
  const left = (i: number) => MARGIN + SIDE + 48 + i * step + (step - bar) / 2;
  const middle = (level: number) => tops[level] + tallAt(level) / 2;

  const drawnBars = bars.map(({ kind, level, channels }, i) => {
    const text = typeset(String(channels), { size: Math.min(SMALL, step * 0.62), fill: INK });
    return element("rect", {
      x: left(i),
      y: tops[level],
      width: bar,
      height: tallAt(level),
      rx: 2,
      fill: KINDS[kind].colour,
    }) + text.at(left(i) + bar / 2, tops[level] + tallAt(level) + 15, { anchor: "middle" });
  });

  const flow = bars.slice(1).map(({ level }, i) => {
    const before = bars[i];
    const [from, to] = [left(i) + bar, left(i + 1)];
    if (level === before.level) {
      const y = middle(level);
      return line([[from, y], [to - 4, y]], FLOW) + head(to, y);
    }
    const y = middle(before.level), x = left(i + 1) + bar / 2;
    const isDown = level > before.level;
    const end = isDown ? tops[level] : tops[level] + tallAt(level) + 20;
    const arrow = isDown
      ? head(x, end, true)
      : element("path", { d: `M${shortNumber(x)} ${shortNumber(end)}l-3 6h6Z`, fill: FLOW });
    return line([[from, y], [x, y], [x, end + (isDown ? -5 : 5)]], FLOW) + arrow;
  });

  // Last kept, first taken: so the brackets of a row are nested.
  const open: number[] = [];
  const depths = Array.from({ length: levels }, () => 0);
  const brackets: string[] = [];
  bars.forEach(({ gives, takes, level }, i) => {
    if (gives) open.push(i);
    if (!takes) return;
    const from = open.pop()!;
    const y = tops[level] - 5 - ++depths[level] * lift;
    const [start, end] = [left(from) + bar / 2, left(i) + bar / 2];
    brackets.push(
      line([[start, tops[level] - 1], [start, y], [end, y], [end, tops[level] - 5]], SKIP, 1.1) +
        head(end, tops[level] - 1, true, SKIP),
    );
  });

  const sides = Array.from({ length: levels }, (_, level) => {
    const text = `${Math.ceil(height / 2 ** level)}×${Math.ceil(width / 2 ** level)}`;
    return typeset(text, { size: TEXT, fill: INK }).at(MARGIN, middle(level) + 5);
  });
  const last = bars.length - 1;
  const entry = middle(0);
  const ends = [
    typeset("$x_t$", { size: 18, fill: INK }).at(left(0) - 28, entry + 5, { anchor: "end" }),
    line([[left(0) - 24, entry], [left(0) - 4, entry]], FLOW) + head(left(0), entry),
    line([[left(last) + bar, entry], [left(last) + bar + 18, entry]], FLOW) + head(left(last) + bar + 22, entry),
    typeset(OUTPUTS[prediction], { size: 18, fill: INK }).at(left(last) + bar + 27, entry + 5),
  ];

  // What a residual block and an attention are made of.
  const insetTop = bottom - 4;
  const embedding = pipeline(
    [
      "$t$",
      `sines and cosines, ${config.block_out_channels[0]}`,
      `dense, ${architectureOf(config).timeEmbedding}`,
      "SiLU",
      `dense, ${architectureOf(config).timeEmbedding}`,
      ...(config.num_class_embeds === null ? [] : [`+ class, one of ${config.num_class_embeds}`]),
      "to every residual block",
    ],
    { x: MARGIN + 120, y: insetTop, colour: "#888" },
  );
  const blockTop = insetTop + 46;
  const block = pipeline(
    config.resnet_time_scale_shift === "scale_shift"
      ? ["norm, SiLU", "conv 3×3", "norm", "scaled and shifted by time", "SiLU", "conv 3×3", "+ what came in"]
      : ["norm, SiLU", "conv 3×3", "+ time", "norm, SiLU", "conv 3×3", "+ what came in"],
    { x: MARGIN + 120, y: blockTop, colour: KINDS.residual.colour },
  );
  const attentionTop = blockTop + 46;
  const attention = pipeline(
    ["norm", "$Q, K, V$", "$\\mathrm{softmax}(QK^\\top\\!/\\sqrt{d})\\,V$", "dense", "+ what came in"],
    { x: MARGIN + 120, y: attentionTop, colour: KINDS.attention.colour },
  );
  const labels = [
    ["Time", "#666", insetTop],
    ["Residual block", KINDS.residual.colour, blockTop],
    ["Attention", KINDS.attention.colour, attentionTop],
  ] as const;
  const heads = labels.map(([text, fill, y]) => typeset(text, { size: TEXT, style: "bold", fill }).at(MARGIN, y + 17));
  let legendAt = MARGIN;
  const legendTop = attentionTop + 50;
  const legend = Object.entries(KINDS)
    .filter(([kind]) => bars.some((own) => own.kind === kind))
    .map(([, { colour, name }]) => {
      const text = typeset(name, { size: SMALL, fill: INK });
      const drawn = element("rect", { x: legendAt, y: legendTop - 10, width: 12, height: 12, rx: 2, fill: colour }) +
        text.at(legendAt + 18, legendTop);
      legendAt += 18 + text.width + 24;
      return drawn;
    });
  const skipName = typeset("skip connection", { size: SMALL, fill: INK });
  legend.push(
    line([[legendAt, legendTop - 4], [legendAt + 18, legendTop - 4]], SKIP, 1.6) +
      skipName.at(legendAt + 24, legendTop),
  );

  const parameters = unetParameters(config)
    .reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const caption = paragraph(
    "A bar is a layer, in the order in which they run; its number is the channels that it gives. Rows are resolutions. " +
      "What a skip connection brings is appended to the channels that come from below. " +
      `${(parameters / 1e6).toFixed(1)}\u00a0million parameters; ${note}.`,
    { head: "The network.", width: WIDTH },
  );
  const captionTop = legendTop + 18;
  return svgDocument(
    {
      width: WIDTH + 2 * MARGIN,
      height: captionTop + caption.height + MARGIN,
      title: `The U-Net layer by layer, from ${height}×${width}×${config.in_channels} down to ` +
        `${Math.ceil(height / 2 ** (levels - 1))}×${Math.ceil(width / 2 ** (levels - 1))} and up again`,
    },
    ...brackets,
    ...flow,
    ...drawnBars,
    ...sides,
    ...ends,
    embedding,
    block,
    attention,
    ...heads,
    ...legend,
    caption.at(MARGIN, captionTop),
  );
};
