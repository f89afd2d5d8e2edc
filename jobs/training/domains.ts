/** Domains of core's draws that are training's, apart from sampling's 0. */
export const TRAINING_DOMAINS = {
  noise: 0x7a01,
  timesteps: 0x7a02,
  labels: 0x7a03,
  flips: 0x7a04,
  dropout: 0x7a05,
} as const;
