import type { z } from "zod";
import type { engineCommandOptions } from "../engine.ts";

/** Lists the engines, or installs libraries or links TensorFlow, for which no engine is loaded. */
export const runEngine = async (
  { action, what, from, tensorflow, json }: z.output<typeof engineCommandOptions>,
): Promise<number | void> => {
  if (action === "list") return (await import("./list.ts")).listEngines({ json, tensorflow });
  const { runInstall, runLink } = await import("./install.ts");
  return from === undefined ? runInstall(what!) : runLink(from);
};
