/** What processes that are started for a job have in common: their permissions, what they print, and how they are ended. */

/** A permission's value; a comma within a path is written twice. */
export const permissionList = (paths: readonly string[]): string =>
  paths.map((path) => path.replaceAll(",", ",,")).join(",");

/** The lines of a stream of text; the last may lack its end. */
export const linesOf = (stream: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<string> => {
  let rest = "";
  return stream.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TransformStream<string, string>({
      transform(chunk, controller) {
        const whole = (rest + chunk).split("\n");
        rest = whole.pop()!;
        for (const line of whole) controller.enqueue(line);
      },
      flush(controller) {
        if (rest) controller.enqueue(rest);
      },
    }),
  );
};

/** Milliseconds that a process may take to end once it is asked to; a step of training may be that long. */
export const GRACE = 600_000;

/** Ends a process, first by asking. */
export interface ChildEnding {
  /** Asks it to end (SIGTERM), and ends it (SIGKILL) should it not have done so in time. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
  /** Whether it was ended, rather than ended by itself. */
  readonly isKilled: boolean;
}

/**
 * How a process is ended. One that is busy within a single long call, or that hangs, hears no request.
 *
 * @param grace milliseconds from the request until it is ended
 */
export const endingOf = (child: Deno.ChildProcess, grace: number): ChildEnding => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hasEnded = false, isKilled = false;
  child.status.finally(() => {
    hasEnded = true;
    clearTimeout(timer);
  });
  const kill = () => {
    if (hasEnded) return;
    isKilled = true;
    signal("SIGKILL");
  };
  const signal = (name: Deno.Signal) => {
    try {
      child.kill(name);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  return {
    stop: () => {
      if (hasEnded) return;
      timer ??= setTimeout(kill, grace);
      signal("SIGTERM");
    },
    kill,
    get isKilled() {
      return isKilled;
    },
  };
};
