/** One event of a stream, its data parsed. */
export interface ReadEvent {
  readonly id: number;
  readonly type: string;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** Parses `text/event-stream` as a browser does: blocks of `field: value`, comments left out. */
export const readEvents = async function* (body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<ReadEvent> {
  let rest = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split("\n").map((line) => {
          const [name, ...value] = line.split(": ");
          return [name, value.join(": ")];
        }),
      );
      if (fields.event) yield { id: Number(fields.id), type: fields.event, data: JSON.parse(fields.data) };
    }
  }
  if (rest !== "") throw new Error(`the stream ends within an event: ${rest}`);
};

/** All events of an answer. */
export const allEvents = async (response: Response): Promise<ReadEvent[]> =>
  await Array.fromAsync(readEvents(response.body!));
