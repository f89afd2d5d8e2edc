import { basename, join } from "@std/path";
import type { z } from "zod";
import { EvaluationError } from "../../evaluation/error.ts";
import type { MetricResult } from "../../evaluation/metric.ts";
import { metricOf } from "../../evaluation/metrics.ts";
import { createSubject, type Subject } from "../../evaluation/subject.ts";
import { renderSvg } from "../../figures/render_svg.ts";
import { replaceFile } from "../../files/durable.ts";
import { UsageError } from "../cli/command.ts";
import { INTERRUPTED, Interrupted, listenForInterrupt } from "../cli/interrupt.ts";
import { flagOf } from "../cli/options.ts";
import { createReporter } from "../cli/progress.ts";
import { terminalColumns } from "../cli/terminal.ts";
import type { evaluateOptions } from "../evaluate.ts";
import { optionsFor } from "./metric_options.ts";

type Options = z.output<typeof evaluateOptions>;

const nameOf = (path: string): string => basename(path.replace(/\/+$/, "")) || "model";

const makeFolder = async (folder: string): Promise<void> => {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists || cause instanceof Deno.errors.NotADirectory)) throw cause;
    throw new UsageError(`--out must be a folder, received ${JSON.stringify(folder)}`, { cause });
  }
};

/** An option that does not fit is named as the person typed it. */
const asUsageError = (error: unknown): unknown => {
  if (!(error instanceof EvaluationError)) return error;
  const named = /^([a-z]\w*) must be /.exec(error.message);
  return new UsageError(named ? `${flagOf(named[1])}${error.message.slice(named[1].length)}` : error.message, {
    cause: error,
  });
};

const write = async (
  folder: string,
  name: string,
  { csv, svg }: MetricResult,
  document: unknown,
): Promise<string[]> => {
  const contents: Record<string, string | Uint8Array | undefined> = {
    json: `${JSON.stringify(document, null, 2)}\n`,
    csv,
    svg,
    png: svg === undefined ? undefined : await renderSvg(svg),
  };
  const paths: string[] = [];
  for (const [ending, content] of Object.entries(contents)) {
    if (content === undefined) continue;
    const path = join(folder, `${name}.${ending}`);
    await replaceFile(path, content);
    paths.push(path);
  }
  return paths;
};

/** The settings that every document begins with. */
const describe = async (subject: Subject) => {
  const { model, data, size = null, classes = null, seed } = subject.options;
  const { name, version, device } = await subject.engine();
  const measured = subject.hasModel ? { model, digest: (await subject.model()).digest } : { model: null };
  return { ...measured, data, size, classes, seed, engine: { name, version, device } };
};

/**
 * Measures what `--metric` names and writes each one's files into the folder; progress goes to stderr, the numbers to
 * stdout.
 *
 * @returns 0, or 130 after Ctrl-C, when the same command goes on from there
 * @throws {UsageError} if the model, the data and the options do not fit together
 */
export const runEvaluate = async ({ metric: names, json, ...options }: Options): Promise<number> => {
  using interrupt = listenForInterrupt();
  const { samples } = options as { samples?: string };
  const measured = samples ?? options.model;
  const folder = options.out ?? join("runs", "evaluations", `${nameOf(measured)}-${nameOf(options.data)}`);
  await makeFolder(folder);
  const { report } = createReporter({
    jsonMilliseconds: 1000,
    terminal: Deno.stderr.isTerminal(),
    columns: () => terminalColumns(Deno.stderr),
    write: (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
  });
  using subject = createSubject(options, { folder, signal: interrupt.signal, report });
  const documents: Record<string, unknown> = {};
  try {
    for (const name of names) {
      const metric = metricOf(name);
      const measure = await metric.load();
      const result = await measure(subject, optionsFor(metric, options));
      const settings = await describe(subject);
      const files = await write(folder, name, result, { ...settings, [name]: result.document });
      Object.assign(documents, settings, { [name]: result.document });
      report({ event: "done", file: files.join(", ") });
      if (!json) console.log(result.text);
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw asUsageError(error);
    report({ event: "stopped", folder, resume: "the same command again" });
    return INTERRUPTED;
  }
  if (json) console.log(JSON.stringify(documents, null, 2));
  return 0;
};
