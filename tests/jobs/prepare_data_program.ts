/** Prepares a folder twice by `prepareInProcess` in the folder that it is started in, and prints what was heard as JSON. */
import { prepareInProcess } from "../../jobs/prepare_data.ts";

const [where, size] = Deno.args;
const events: unknown[] = [];
const onProgress = (event: unknown) => events.push(event);
const attempt = async (options: { size?: number; signal?: AbortSignal }) => {
  try {
    return await prepareInProcess(where, { ...options, onProgress });
  } catch (error) {
    return (error as Error).message;
  }
};
const first = await attempt({ size: Number(size) });
const heard = events.length;
const second = await attempt({ size: Number(size) });
const unsized = await attempt({});
const aborted = await attempt({ size: Number(size) + 1, signal: AbortSignal.abort(new Error("called off")) });
console.log(JSON.stringify({ first, second, unsized, aborted, events, heard }));
