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
