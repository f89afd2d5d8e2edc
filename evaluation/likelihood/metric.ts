import { z } from "zod";
import { defineMetric } from "../metric.ts";

/** `bpd`: the variational bound on the negative log-likelihood. */
export const bpd = defineMetric({
  name: "bpd",
  summary: "the variational bound in bits per dimension, term by term, with rate and distortion",
  options: {
    respacing: z.string().min(1).optional()
      .describe(
        "Timesteps to keep, for the bound of a process of fewer: a number of them, evenly spaced, one number for each " +
          "of several sections (10,15,20), or ddimN. Default: all",
      ),
    variance: z.enum(["fixed_small", "fixed_large"]).optional()
      .describe("Variance of the reverse process. Default: the model's own"),
    unconditional: z.boolean().default(false)
      .describe("Ask a model of classes with its class that stands for none, and not with those of the images"),
  },
  load: async () => (await import("./bits_per_dim.ts")).bitsPerDim,
});
