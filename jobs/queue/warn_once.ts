/** Milliseconds for which the same is not said again. */
const QUIET = 10_000;

/** Says each message once in a while: a database that goes away is noticed by many at once. */
export const once = (warn: (message: string) => void): (message: string) => void => {
  const said = new Map<string, number>();
  return (message) => {
    const now = performance.now();
    for (const [old, at] of said) if (now - at > QUIET) said.delete(old);
    if (said.has(message)) return;
    said.set(message, now);
    warn(message);
  };
};
