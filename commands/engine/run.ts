import type { z } from "zod";
import type { engineCommandOptions } from "../engine.ts";

/** Lists the engines, or installs or links TensorFlow, for which no engine is loaded. */
export const runEngine = async (
  { action, what, from, tensorflow, json }: z.output<typeof engineCommandOptions>,
): Promise<number | void> => {
  if (action === "list") return (await import("./list.ts")).listEngines({ json, tensorflow });
  const { installEngine, linkEngine } = await import("./install.ts");
  return from === undefined ? installEngine(what!) : linkEngine(from);
};
