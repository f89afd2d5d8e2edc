import { diffusionOf, parseSchedulerConfig } from "../../model/scheduler_config.ts";
import type { Target } from "../../sampling/compile.ts";
import { gaussianNetwork } from "../sampling/gaussian_network.ts";

/** A Gaussian network of T = 100 with ten classes and a null class, and what requests to it are compiled for. */
export const fakeModel = ({ learned = false }: { learned?: boolean } = {}) => {
  const { network, calls } = gaussianNetwork({ learned });
  const scheduler = parseSchedulerConfig({
    num_train_timesteps: 100,
    beta_start: 0.001,
    beta_end: 0.1,
    variance_type: learned ? "learned_range" : "fixed_small",
  });
  const { height, width, channels } = network;
  const diffusion = diffusionOf(scheduler);
  const target: Target = { height, width, channels, timesteps: 100, numClasses: 11, scheduler, diffusion };
  return { network, calls, target, nullLabel: 10 };
};
