/** What `--xla` takes. */
export const XLA_CHOICES = ["auto", "on", "off"] as const;

/** Whether XLA is to compile functions; `auto` leaves it to the device. */
export type XlaChoice = typeof XLA_CHOICES[number];

/**
 * How a function is compiled: by XLA, not by XLA, or as is faster. `measured` makes both at the first call of each shape,
 * runs each a few times and keeps the one whose fastest run is shorter (the one without XLA where XLA fails). So that
 * call takes seconds, and which of the two is kept, whose values differ by rounding, may differ from start to start.
 */
export type Xla = boolean | "measured";

/**
 * What a choice means on a device. On processors `auto` is off: without XLA a row has the same bits in every batch, and
 * which of the two is faster depends on the network (bench/README.md: the 35.7M U-Net of CIFAR-10 is not with XLA, the
 * small one of the digits is twice as fast). On graphics cards each function and shape is measured where it runs.
 */
export const resolveXla = (choice: XlaChoice, hasGpu: boolean): Xla =>
  choice === "auto" ? hasGpu && "measured" : choice === "on";
