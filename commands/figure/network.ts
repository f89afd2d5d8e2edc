import type { z } from "zod";
import { networkFigure } from "../../figures/network.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import type { networkOptions } from "../figure.ts";
import { modelCaption } from "./captions.ts";
import { writeFigure } from "./draw_figure.ts";

/** Draws a model's network, layer by layer. */
export const drawNetwork = ({ model, out }: z.output<typeof networkOptions>): Promise<number> =>
  writeFigure("figure network", out, async () => {
    const { unet: config, scheduler } = await loadPipeline(model);
    return { svg: networkFigure({ config, prediction: scheduler.prediction_type, note: modelCaption(model) }) };
  });
