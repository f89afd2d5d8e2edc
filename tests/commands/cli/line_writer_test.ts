import { assert, assertEquals } from "@std/assert";
import { createLineWriter } from "../../../commands/cli/line_writer.ts";
import { until } from "../../routes/with_server.ts";

/** A stream whose reader reads when the test says so. */
const heldStream = () => {
  let text = "";
  let isHeld = true;
  let release = () => {};
  return {
    stream: {
      write: async (bytes: Uint8Array): Promise<number> => {
        if (isHeld) await new Promise<void>((resume) => release = resume);
        // A pipe may take a part of what it is given.
        const taken = bytes.subarray(0, 1000);
        text += new TextDecoder().decode(taken);
        return taken.length;
      },
    },
    read: () => {
      isHeld = false;
      release();
    },
    lines: () => text.split("\n").slice(0, -1),
  };
};

const describe = (dropped: number) => `${dropped} gone`;

Deno.test("a line writer writes all lines in their order, however little a write takes", async () => {
  const { stream, read, lines } = heldStream();
  const writer = createLineWriter(stream, describe);
  const written = Array.from({ length: 500 }, (_, i) => `line ${i} ${"x".repeat(i)}`);
  for (const line of written) writer.write(line);
  assertEquals(lines(), []);
  read();
  await writer.close();
  assertEquals(lines(), written);
  writer.write("one more");
  await writer.close();
  assertEquals([lines().at(-1), writer.dropped()], ["one more", 0]);
});

Deno.test("a line writer whose reader has stopped keeps a bounded number of lines, and tells of the others in their place", async () => {
  const { stream, read, lines } = heldStream();
  const writer = createLineWriter(stream, describe);
  const line = (i: number) => `${i} `.padEnd(1000, "x");
  for (let i = 0; i < 5000; i++) writer.write(line(i));
  const dropped = writer.dropped();
  assert(dropped > 3000 && dropped < 4500, String(dropped));
  read();
  await until(() => lines().length, (count) => count === 5000 - dropped + 1);
  writer.write("after");
  await writer.close();
  const kept = Array.from({ length: 5000 - dropped }, (_, i) => line(i));
  assertEquals(lines(), [...kept, describe(dropped), "after"]);
  assertEquals(writer.dropped(), dropped);
});

Deno.test("a line writer ends though nobody reads, tries a stream again that was not to wait, and counts what is lost", async () => {
  const held = createLineWriter(heldStream().stream, describe);
  held.write("never read");
  await held.close(50);

  let tries = 0;
  const busy = createLineWriter({
    write: (bytes) => ++tries < 3 ? Promise.reject(new Deno.errors.WouldBlock()) : Promise.resolve(bytes.length),
  }, describe);
  busy.write("in the end");
  await busy.close();
  assertEquals([tries, busy.dropped()], [3, 0]);

  const broken = createLineWriter({ write: () => Promise.reject(new Deno.errors.BrokenPipe()) }, describe);
  for (const line of ["one", "two", "three"]) broken.write(line);
  await broken.close();
  assertEquals(broken.dropped(), 3);
});
