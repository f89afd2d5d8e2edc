/**
 * Fetches a run, adds a checkpoint, and pushes it, as another machine would.
 *
 *     deno run go_on_elsewhere.ts STORAGE RUN STEP
 */
import { openStorage } from "../../../jobs/storage/open_storage.ts";
import { addCheckpoint } from "./runs.ts";

const [url, run, step] = Deno.args;
const storage = await openStorage(url);
await storage.fetch(run, { claim: true });
await addCheckpoint(run, Number(step));
await storage.push(run);
