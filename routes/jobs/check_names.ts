import { DatasetError } from "../../jobs/data/dataset_error.ts";
import { resolveDataName } from "../../jobs/data/names.ts";
import type { OptionValues } from "../../jobs/jobs.ts";
import { ParameterError } from "../../sampling/errors.ts";
import { ModelConflictError } from "../../serving/serving.ts";
import { locate, MODELS, RUNS } from "../models/locate.ts";
import { realPathBelow } from "../real_path.ts";
import type { JobDependencies } from "./context.ts";

const checkData = async (data: string): Promise<void> => {
  try {
    await resolveDataName(data);
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    const allowed = error.message.replace(/^data must be /, "").replace(/, received .*$/s, "");
    throw new ParameterError([{ field: "data", received: data, allowed }]);
  }
};

/** The name of the model or run that a worker knows it by: what was loaded under another name is known here alone. */
const initOf = async (init: string, { serving, sources, jobs, storage }: JobDependencies): Promise<string> => {
  const served = serving.models.find(({ name }) => name === init);
  const source = served && sources.get(served);
  const name = source ? source.checkpoint.split("/")[1] : init;
  if (await realPathBelow(MODELS, `${MODELS}/${name}`) !== null) return name;
  try {
    await locate({ checkpoint: `${RUNS}/${name}` }, { jobs, storage });
    return name;
  } catch (error) {
    if (!(error instanceof ParameterError || error instanceof ModelConflictError)) throw error;
    const allowed = `the name of a model in ${MODELS}/ or of a job that has a checkpoint`;
    throw new ParameterError([{ field: "init", received: init, allowed }]);
  }
};

/**
 * Checks that there is what a job's options name. They stay names: the worker that takes the job finds what they stand for.
 *
 * @throws {ParameterError} if there is nothing of that name
 */
export const checkNames = async (options: OptionValues, deps: JobDependencies): Promise<OptionValues> => {
  const { data, init } = options;
  if (typeof data === "string") await checkData(data);
  return typeof init === "string" ? { ...options, init: await initOf(init, deps) } : options;
};
