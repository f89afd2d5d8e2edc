/** A signal that aborts at Ctrl-C or SIGTERM, for work that wants to tidy up; dispose it when the work is done. */
export interface Interrupt {
  readonly signal: AbortSignal;
  [Symbol.dispose](): void;
}

/** The person, or a supervisor, called the work off. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** The exit code of a command that Ctrl-C ended, as shells count it. */
export const INTERRUPTED = 130;

/** Listens for Ctrl-C and SIGTERM, which end the process no longer until this is disposed. */
export const listenForInterrupt = (): Interrupt => {
  const controller = new AbortController();
  const abort = () => controller.abort(new Interrupted("called off"));
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const name of signals) Deno.addSignalListener(name, abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => signals.forEach((name) => Deno.removeSignalListener(name, abort)),
  };
};
