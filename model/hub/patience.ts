/** Waits a while; ends with the signal's reason if it aborts meanwhile. */
export const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });

/** A signal that aborts after so many milliseconds without a restart. */
export const stopwatch = (milliseconds: number) => {
  const controller = new AbortController();
  const start = () => setTimeout(() => controller.abort(new Error("silence")), milliseconds);
  let timer = start();
  return {
    signal: controller.signal,
    restart: () => {
      clearTimeout(timer);
      timer = start();
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
};
