import { type EngineName, ENGINES, openEngine } from "../engine/mod.ts";

/** One engine as it was found here: what it is, or why it is not. */
type Found = { name: EngineName; version: string; device: string } | { name: EngineName; reason: string };

const open = async (name: EngineName): Promise<Found> => {
  try {
    const { version, device } = await openEngine(name);
    return { name, version, device };
  } catch (error) {
    return { name, reason: error instanceof Error ? error.message.split("\n")[0] : String(error) };
  }
};

/** Prints every engine, its version and its device or why it cannot start, and the one that `auto` takes. */
export const listEngines = async ({ json }: { json: boolean }): Promise<void> => {
  // First, since an engine that is opened by name may be one that auto would not take.
  const auto = (await openEngine("auto")).name;
  const engines: Found[] = [];
  for (const name of ENGINES) engines.push(await open(name));
  if (json) {
    console.log(JSON.stringify({ auto, engines }));
    return;
  }
  const width = Math.max(...ENGINES.map((name) => name.length));
  for (const engine of engines) {
    const mark = engine.name === auto ? "*" : " ";
    const text = "reason" in engine ? `–  ${engine.reason}` : `${engine.version}  ${engine.device}`;
    console.log(`${mark} ${engine.name.padEnd(width)}  ${text}`);
  }
  console.log(`auto takes ${auto}; its order: TensorFlow or WebGPU on a graphics card, TensorFlow, wasm`);
};
