/** A signal that aborts when standard input ends, which it does when the program that holds its other end is gone. */
export const endOfInput = (): AbortSignal => {
  const controller = new AbortController();
  const drain = async () => {
    for await (const _ of Deno.stdin.readable);
  };
  drain().catch(() => {}).finally(() => controller.abort(new Error("standard input ended")));
  return controller.signal;
};
