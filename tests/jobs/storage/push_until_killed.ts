/**
 * Pushes a run, and is killed at a request.
 *
 *     deno run push_until_killed.ts STORAGE RUN REQUESTS
 */
import { openStorage } from "../../../jobs/storage/open_storage.ts";

const [url, run, requests] = Deno.args;
const send = globalThis.fetch;
let writes = 0;
globalThis.fetch = async (...args: Parameters<typeof fetch>) => {
  if ((args[0] as Request).method === "GET") return send(...args);
  // Half of them die before the server hears of it, half behind it.
  if (writes === Number(requests) && writes % 2) Deno.kill(Deno.pid, "SIGKILL");
  const response = await send(...args);
  if (writes++ === Number(requests)) Deno.kill(Deno.pid, "SIGKILL");
  return response;
};
const storage = await openStorage(url);
await storage.push(run);
