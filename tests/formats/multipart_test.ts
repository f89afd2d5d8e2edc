import { assertEquals, assertThrows } from "@std/assert";
import { encodeMultipart } from "../../formats/multipart.ts";
import { python, whyNoPython } from "../model/python.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("encodeMultipart writes each part with its headers between lines of the boundary", () => {
  const { type, body } = encodeMultipart([
    { headers: { "content-type": "text/plain", "denoise-seed": "7" }, body: bytes("one") },
    { headers: {}, body: bytes("two") },
  ]);
  assertEquals(type, "multipart/mixed; boundary=denoise-part-0");
  assertEquals(
    text(body),
    "--denoise-part-0\r\ncontent-type: text/plain\r\ndenoise-seed: 7\r\n\r\none\r\n" +
      "--denoise-part-0\r\n\r\ntwo\r\n--denoise-part-0--\r\n",
  );
});

Deno.test("encodeMultipart chooses a boundary that no part holds, and the same one for the same parts", () => {
  const part = (body: string) => ({ headers: {}, body: bytes(body) });
  const tricky = [part("x\r\n--denoise-part-0\r\ny"), part("--denoise-part-1--"), part("-----denoise-part-2")];
  const { type, body } = encodeMultipart(tricky);
  assertEquals(type, "multipart/mixed; boundary=denoise-part-3");
  assertEquals(text(body).split("--denoise-part-3").length, 5);
  assertEquals(encodeMultipart(tricky).body, body);
});

Deno.test("encodeMultipart refuses headers that would end their line, and no parts at all", () => {
  const part = { headers: { "x": "a\r\n\r\nb" }, body: new Uint8Array(0) };
  assertThrows(() => encodeMultipart([part]), TypeError);
  assertThrows(() => encodeMultipart([{ ...part, headers: { "a: b": "c" } }]), TypeError);
  assertThrows(() => encodeMultipart([]), RangeError, "one part or more");
});

const reason = await whyNoPython("email");

Deno.test({
  name: `Python's email package finds the parts of encodeMultipart, bytes as they were${reason && ` (${reason})`}`,
  ignore: reason !== "",
  fn: async () => {
    const bodies = [
      Uint8Array.from({ length: 256 }, (_, i) => i),
      bytes("\r\n--denoise-part-0\r\n\r\n"),
      new Uint8Array(0),
      bytes("ends\r\n"),
    ];
    const { type, body } = encodeMultipart(bodies.map((body, i) => ({ headers: { "x-number": `${i}` }, body })));
    const code = `import email, email.policy, json, sys
message = email.message_from_bytes(sys.argv[1].encode() + b"\\r\\n\\r\\n" + sys.stdin.buffer.read(), policy=email.policy.HTTP)
print(json.dumps([[part["x-number"], list(part.get_payload(decode=True))] for part in message.iter_parts()]))`;
    const found = JSON.parse(text(await python(code, { input: body, args: [`content-type: ${type}`] })));
    assertEquals(found, bodies.map((body, i) => [`${i}`, [...body]]));
  },
});
