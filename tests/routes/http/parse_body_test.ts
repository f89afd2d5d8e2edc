import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { isLongText, MOST_FIELDS, parseBody } from "../../../routes/http/parse_body.ts";

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

const parse = (json: string): unknown => {
  const body = parseBody("json", encode(json), "application/json");
  assert(body.type === "json");
  return body.value;
};

const refuses = (json: string, says: string) => assertThrows(() => parse(json), SyntaxError, says);

Deno.test("parseBody reads JSON as JSON.parse does, however its texts end", () => {
  const texts = [
    "",
    '"',
    "\\",
    '\\"',
    "\\\\",
    '\\\\"]}',
    "[[[[[[[[[[[[[[[[[[[[[[",
    "{,}",
    "€𝄞",
    "\n\t",
    "x".repeat(4096),
  ];
  for (const space of [undefined, 2]) {
    const json = JSON.stringify(
      { texts, ...Object.fromEntries(texts.map((text) => [text, [text, null, -1.5e3]])) },
      null,
      space,
    );
    assertEquals(parse(json), JSON.parse(json));
  }
  for (const wrong of ["", "{", '{"a', '"\\', '{"a":"\\"}', "[1,]", "]", "}{"]) refuses(wrong, "the body is no JSON");
});

Deno.test("parseBody sets long texts apart, escapes undone", () => {
  const text = `${"A".repeat(5000)}\n"€\\`;
  const { image, t } = parse(JSON.stringify({ image: text, t: 3 })) as Record<string, unknown>;
  assert(isLongText(image));
  assertEquals([new TextDecoder().decode(image.utf8), t], [text, 3]);
  assert(!isLongText(parse('{"utf8":{"0":1}}')));
});

Deno.test("parseBody refuses JSON that holds more than anything asks for, before it is parsed", () => {
  const many = (entry: string) => `[${entry.repeat(100_000)}0]`;
  for (const entry of ["0,", "{},", "[],", '"",', '"\\"",', "null,  \n"]) {
    refuses(many(entry), "bytes beside its images");
  }
  refuses(`{${Array.from({ length: 9000 }, (_, i) => `"k${i}":0`).join(",")}}`, "bytes beside its images");
  refuses(`{"${"k".repeat(2 ** 17)}" : 0}`, "bytes beside its images");
  refuses("[".repeat(2 ** 20), "nested more than 16 deep");
  refuses(`${'{"a":'.repeat(17)}1${"}".repeat(17)}`, "nested more than 16 deep");
  assertEquals(parse(`${"[".repeat(16)}${"]".repeat(16)}`), JSON.parse(`${"[".repeat(16)}${"]".repeat(16)}`));
  const fits = parse(`{"image":"${"A".repeat(2 ** 20)}","list":[${"0,".repeat(30_000)}0]}`) as { list: unknown[] };
  assertEquals(fits.list.length, 30_001);
});

const formOf = (parts: readonly string[]) => encode(`${parts.map((part) => `--b\r\n${part}\r\n`).join("")}--b--\r\n`);
const part = (name: string, value: string, more = "") =>
  `content-disposition: form-data; name="${name}"${more}\r\n\r\n${value}`;
const parseForm = (parts: readonly string[], contentType = "multipart/form-data; boundary=b") => {
  const body = parseBody("form", formOf(parts), contentType);
  assert(body.type === "form");
  return body.fields;
};

Deno.test("parseBody reads forms: texts, files as bytes, long texts set apart", async () => {
  const long = "é".repeat(3000);
  const fields = parseForm([
    part("a", "1"),
    part("a", "é\r\n"),
    part("long", long),
    part("file", "\x00\x01", '; filename="a.png"\r\ncontent-type: image/png'),
  ], 'multipart/form-data; boundary="b"');
  assertEquals(fields.map(([name]) => name), ["a", "a", "long", "file"]);
  assertEquals([fields[0][1], fields[1][1], fields[3][1]], ["1", "é\r\n", new Uint8Array([0, 1])]);
  const set = fields[2][1];
  assert(isLongText(set));
  assertEquals(new TextDecoder().decode(set.utf8), long);

  const form = new FormData();
  form.append('quo"ted', "x");
  form.append("image", new Blob([new Uint8Array([255, 13, 10, 0])]), "b.png");
  const response = new Response(form);
  const body = parseBody("form", await response.bytes(), response.headers.get("content-type")!);
  assert(body.type === "form");
  assertEquals(body.fields[1], ["image", new Uint8Array([255, 13, 10, 0])]);
  assertEquals(parseForm([]), []);
});

Deno.test("parseBody refuses forms of more parts, or with longer heads, than anything asks for", () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => part(`a${i}`, "1"));
  assertEquals(parseForm(many(MOST_FIELDS)).length, MOST_FIELDS);
  const cases: readonly (readonly string[])[] = [
    many(MOST_FIELDS + 1),
    [part("n".repeat(10_000), "1")],
    [part("a", "1", `\r\n${"x: y\r\n".repeat(5000)}z: y`)],
    ["content-type: text/plain\r\n\r\nno name"],
  ];
  for (const parts of cases) assertThrows(() => parseForm(parts), SyntaxError, "no multipart/form-data");
  assertThrows(() => parseForm([], "multipart/form-data"), SyntaxError, "names no boundary");
  const error = assertThrows(() => parseBody("form", encode("nothing"), "multipart/form-data; boundary=b"), Error);
  assertInstanceOf(error, SyntaxError);
});
