import { dirname, join } from "@std/path";
import type { z } from "zod";
import { unlessMissing } from "../../files/exists.ts";
import { downloadFile } from "../../model/hub/download.ts";
import { checkModel, chooseFiles, listFiles, type RemoteFile } from "../../model/hub/listing.ts";
import {
  fileAddress,
  parseRepository,
  type Repository,
  type RequestOptions,
  requestText,
} from "../../model/hub/request.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { UsageError } from "../cli/command.ts";
import { INTERRUPTED, Interrupted, listenForInterrupt } from "../cli/interrupt.ts";
import { createReporter, type ProgressEvent } from "../cli/progress.ts";
import type { pullOptions } from "../pull.ts";

type Options = z.output<typeof pullOptions>;

const repositoryOf = ({ endpoint, repo, revision }: Options): Repository => {
  try {
    return parseRepository({ endpoint, name: repo, revision });
  } catch (cause) {
    throw new UsageError(`--${(cause as Error).message}`, { cause });
  }
};

const readToken = async (path: string | undefined): Promise<string | undefined> => {
  if (path === undefined) return undefined;
  const token = (await Deno.readTextFile(path)).trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError(`--token-file must hold one token, and ${path} does not`);
  return token;
};

/** Writes a small text where there is none; what is there may not differ. */
const writeIfAbsent = async (path: string, text: string): Promise<void> => {
  const found = await unlessMissing(Deno.readTextFile(path));
  if (found === text) return;
  if (found !== null) throw new UsageError(`${path} is there already and differs; --out names another folder`);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(`${path}.partial`, text);
  await Deno.rename(`${path}.partial`, path);
};

/** Counts the bytes of one file; the rate leaves out those of an earlier run. */
const createMeter = (size: number | null) => {
  let [started, first] = [performance.now(), -1];
  return (bytes: number): ProgressEvent => {
    if (first < 0 || bytes < first) [started, first] = [performance.now(), bytes];
    const seconds = (performance.now() - started) / 1000;
    const bytesPerSecond = seconds > 0 ? (bytes - first) / seconds : 0;
    const secondsLeft = size !== null && bytesPerSecond > 0 ? (size - bytes) / bytesPerSecond : undefined;
    return { event: "progress", unit: "bytes", step: bytes, steps: size ?? bytes, bytesPerSecond, secondsLeft };
  };
};

/**
 * Downloads a model, its weights last: first what tells whether this program runs it. What is there already stays.
 *
 * @returns 0, or 130 after Ctrl-C, when what has arrived stays for the next run
 * @throws {UsageError} if the options name no model, or the folder holds another
 * @throws {HubError} if the hub cannot be reached, refuses, or sends something else
 * @throws {ModelError} if the model is not one that this program runs
 */
export const runPull = async (options: Options): Promise<number> => {
  const named = repositoryOf(options);
  const out = options.out ?? join("models", named.name.split("/").at(-1)!);
  const token = await readToken(options.tokenFile);
  using interrupt = listenForInterrupt();
  const request: RequestOptions = { token, signal: interrupt.signal };
  const reporter = createReporter({ jsonMilliseconds: 1000 });
  const started = performance.now();
  try {
    const listing = await listFiles(named, request);
    const { repository } = listing;
    const { unet, weights, others } = chooseFiles(listing);
    const small = [unet, ...others];
    const texts = await Promise.all(
      small.map(({ path }) => requestText(repository, fileAddress(repository, path), request)),
    );
    checkModel(repository, new Map(small.map(({ path }, i) => [path, texts[i]])));

    const bytes = [...small, weights].reduce((sum, { size }) => sum + (size ?? 0), 0);
    reporter.report({ event: "pull", repo: named.name, revision: repository.revision, files: small.length + 1, bytes });
    for (const [i, { path }] of small.entries()) await writeIfAbsent(join(out, path), texts[i]);
    await fetchWeights(repository, weights, join(out, weights.path), request, reporter.report);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    reporter.report({ event: "error", message: "called off; run again to go on" });
    return INTERRUPTED;
  }
  await loadPipeline(out, { notice: (message) => reporter.report({ event: "notice", message }) });
  reporter.report({ event: "done", file: out, seconds: (performance.now() - started) / 1000 });
  return 0;
};

const fetchWeights = async (
  repository: Repository,
  file: RemoteFile,
  to: string,
  request: RequestOptions,
  report: (event: ProgressEvent) => void,
): Promise<void> => {
  const meter = createMeter(file.size);
  await Deno.mkdir(dirname(to), { recursive: true });
  await downloadFile(repository, file, to, { ...request, onProgress: (bytes) => report(meter(bytes)) });
};
