import type { z } from "zod";
import { bytesBelow } from "../../files/bytes_below.ts";
import { loadPipeline, savePipeline } from "../../model/pipeline.ts";
import { UsageError } from "../cli/command.ts";
import { createReporter } from "../cli/progress.ts";
import type { exportOptions } from "../export.ts";

const isThere = (path: string): Promise<boolean> => Deno.lstat(path).then(() => true, () => false);

const removeQuietly = (path: string): Promise<void> => Deno.remove(path, { recursive: true }).catch(() => {});

/**
 * Writes a model's U-Net, scheduler, classes and weights into a new folder, which appears whole or not at all.
 *
 * @throws {UsageError} if the folder is there already, or a weight is too large for float16
 * @throws {ModelError} if the model cannot be read
 */
export const runExport = async ({ model, out, dtype }: z.output<typeof exportOptions>): Promise<void> => {
  if (await isThere(out)) throw new UsageError(`--out must be a folder that is not there yet, received ${out}`);
  const pipeline = await loadPipeline(model);
  const partial = `${out}.partial`;
  await removeQuietly(partial);
  try {
    await savePipeline({ ...pipeline, folder: partial }, { dtype: dtype === "float16" ? "F16" : "F32" });
    await Deno.rename(partial, out);
  } catch (cause) {
    await removeQuietly(partial);
    if (!(cause instanceof RangeError)) throw cause;
    throw new UsageError(`--dtype must be float32 for ${model}: ${cause.message}`, { cause });
  }
  createReporter().report({ event: "done", file: out, bytes: await bytesBelow(out) });
};
