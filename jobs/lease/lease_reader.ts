/** Reads renewals from standard input on a thread of its own, since a training step can take longer than a lease. */
import type { LeaseMessage } from "./lease.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<SharedArrayBuffer>) => void;
  postMessage(message: LeaseMessage): void;
};

/** Milliseconds that a renewal may reach into the future, whatever its clock says. */
const LONGEST = 60_000;

scope.onmessage = async ({ data }) => {
  const until = new BigInt64Array(data);
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const time = Math.min(Number(line), Date.now() + LONGEST);
      if (!Number.isFinite(time)) continue;
      const isFirst = Atomics.exchange(until, 0, BigInt(Math.floor(time))) === 0n;
      if (isFirst) scope.postMessage("granted");
    }
  }
  scope.postMessage("ended");
};
