import type { z } from "zod";
import type { dataOptions } from "../data.ts";

/** Lists the data sets, or fetches or prepares one; the list loads nothing that decodes images. */
export const runData = async (options: z.output<typeof dataOptions>): Promise<number> => {
  if (options.what === undefined) return (await import("./list.ts")).listData(options);
  return (await import("./prepare.ts")).prepareData(options.what, options);
};
