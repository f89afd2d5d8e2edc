import { basename, join } from "@std/path";
import type { z } from "zod";
import { bytesBelow } from "../../files/bytes_below.ts";
import { removeQuietly } from "../../files/durable.ts";
import { isTaken } from "../../files/exists.ts";
import { loadPipeline, type Pipeline, savePipeline } from "../../model/pipeline.ts";
import { UsageError } from "../cli/command.ts";
import { createReporter } from "../cli/progress.ts";
import { version } from "../cli/version.ts";
import type { exportOptions } from "../export.ts";

const mayWrite = async (path: string): Promise<boolean> =>
  (await Deno.permissions.query({ name: "write", path })).state === "granted";

/** Moves what is in `from` up into `to`; the U-Net, without which it is no model, comes last. */
const moveUp = async (from: string, to: string): Promise<void> => {
  const names = [...Deno.readDirSync(from)].map(({ name }) => name).filter((name) => name !== "unet");
  for (const name of [...names, "unet"]) await Deno.rename(join(from, name), join(to, name));
  await Deno.remove(from);
};

const save = async (pipeline: Pipeline, { out, format, dtype }: z.output<typeof exportOptions>): Promise<void> => {
  if (format === "safetensors") return await savePipeline(pipeline, { dtype: dtype === "float16" ? "F16" : "F32" });
  const { saveAsOnnx } = await import("../../model/onnx.ts");
  await saveAsOnnx(pipeline, { dtype, producer: version, name: basename(out) });
};

/**
 * Writes a model's U-Net, scheduler, classes and weights into a new folder, which appears whole or not at all.
 *
 * @throws {UsageError} if the folder is there already, or a weight is too large for float16
 * @throws {ModelError} if the model cannot be read
 */
export const runExport = async (options: z.output<typeof exportOptions>): Promise<void> => {
  const { model, out } = options;
  if (await isTaken(out)) throw new UsageError(`--out must be a folder that is not there yet, received ${out}`);
  const reporter = createReporter();
  const pipeline = await loadPipeline(model, { notice: (message) => reporter.report({ event: "notice", message }) });
  const besideIt = `${out}.partial`;
  const isBeside = await mayWrite(besideIt);
  const partial = isBeside ? besideIt : join(out, ".partial");
  removeQuietly(partial);
  try {
    await save({ ...pipeline, folder: partial }, options);
    if (isBeside) await Deno.rename(partial, out);
    else await moveUp(partial, out);
  } catch (cause) {
    removeQuietly(isBeside ? partial : out);
    if (!(cause instanceof RangeError) || options.dtype === "float32") throw cause;
    throw new UsageError(`--dtype must be float32 for ${model}: ${cause.message}`, { cause });
  }
  reporter.report({ event: "done", file: out, bytes: await bytesBelow(out) });
};
