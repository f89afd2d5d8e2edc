import { Unreachable } from "./problem.ts";
import { ask, type Asked } from "./request.ts";

/** One event of a stream. */
export interface ServerEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

const parse = (block: string): ServerEvent | null => {
  let id = "";
  let type = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") id = value;
    else if (name === "event") type = value;
    else if (name === "data") data.push(value);
  }
  return data.length === 0 ? null : { id, type, data: JSON.parse(data.join("\n")) };
};

/**
 * The events of an answer as they come. This is what `EventSource` does, for requests with a body and a key.
 *
 * @throws {Problem} if the server refuses
 * @throws {Unreachable} if the stream breaks off
 */
export async function* events(path: string, asked: Asked = {}): AsyncGenerator<ServerEvent> {
  const response = await ask(path, { ...asked, accept: "text/event-stream" });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { value, done } = await reader.read().catch((cause) => {
        if (asked.signal?.aborted) throw cause;
        throw new Unreachable("the connection was lost", { cause });
      });
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) {
        const event = parse(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
