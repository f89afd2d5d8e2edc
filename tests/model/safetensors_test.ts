import { assert, assertEquals, assertInstanceOf, assertLess, assertMatch, assertThrows } from "@std/assert";
import { uniform } from "../../core/mod.ts";
import { ModelError } from "../../model/error.ts";
import { encodeSafetensors, parseSafetensors, type StoredTensor } from "../../model/safetensors.ts";
import { randomValues, sizeOf } from "../engine/random_values.ts";
import { python, whyNoPython } from "./python.ts";

const tensors = (shapes: Record<string, number[]>): Map<string, StoredTensor> =>
  new Map(Object.entries(shapes).map(([name, shape], i) => [name, { shape, data: randomValues(shape, i) }]));

/** Names and shapes at the edges of the format: a scalar, nothing, five axes, names that JSON or JavaScript bends. */
const EDGES = tensors({
  "down_blocks.0.resnets.0.conv1.weight": [4, 3, 3, 3],
  "scalar": [],
  "nothing": [0, 3],
  "five": [1, 2, 1, 3, 2],
  "12": [2],
  'größe \u{1f4d0} "quoted" \\ \n': [3],
  "constructor": [1],
  ["__proto__"]: [2],
});

const byName = (map: ReadonlyMap<string, StoredTensor>) => [...map].sort(([a], [b]) => a < b ? -1 : 1);

Deno.test("parseSafetensors gives back what encodeSafetensors wrote, bit by bit, names and shapes of any kind", () => {
  const special = new Map([...EDGES, ["special", {
    shape: [6],
    data: Float32Array.of(-0, Infinity, -Infinity, 1e-45, 3.4028235e38, NaN),
  }]]);
  const bytes = encodeSafetensors(special);
  const parsed = parseSafetensors(bytes);
  assertEquals(byName(parsed), byName(special));
  assert(Object.is(parsed.get("special")!.data[0], -0));
  assertEquals(bytes.length % 4, 0);
  assertEquals(new DataView(bytes.buffer).getUint32(0, true) % 8, 0, "the data starts on a multiple of 8");
  assertEquals(encodeSafetensors(special), bytes, "the same bytes each time");
});

Deno.test("parseSafetensors copies: what it returns stays when the bytes change, and may lie at any offset", () => {
  const bytes = encodeSafetensors(EDGES);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const view = shifted.subarray(3);
  const parsed = parseSafetensors(view);
  view.fill(0xff);
  assertEquals(byName(parsed), byName(EDGES));
});

Deno.test("encodeSafetensors refuses values that are not as many as the shape says", () => {
  assertThrows(
    () => encodeSafetensors(new Map([["a", { shape: [2, 2], data: new Float32Array(3) }]])),
    RangeError,
    "a must have 4 elements for its shape [2,2], received 3",
  );
});

/** A file of this header, as text, with `size` bytes of data. */
const file = (header: string | Uint8Array, size: number, length?: bigint): Uint8Array => {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + size);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
};

const entry = (dtype: unknown, shape: unknown, data_offsets: unknown) => JSON.stringify({ dtype, shape, data_offsets });
const one = (...parts: Parameters<typeof entry>) => `{"a":${entry(...parts)}}`;
const two = (a: string, b: string) => `{"a":${a},"b":${b}}`;
const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

const HOSTILE: Record<string, [Uint8Array, string]> = {
  "no bytes": [new Uint8Array(), "the file must have at least 8 bytes, received 0"],
  "seven bytes": [new Uint8Array(7), "the file must have at least 8 bytes, received 7"],
  "no header": [file("", 0), "the header must be a JSON object"],
  "a header one byte too long": [
    file("{}", 0, 3n),
    "the header must end within the file, received a length of 3 of 2 bytes",
  ],
  "a header of 2⁶³ bytes": [file("{}", 0, 2n ** 63n), "received a length of 9223372036854775808 of 2 bytes"],
  "a header of 2⁶⁴ − 1 bytes": [file("{}", 0, 2n ** 64n - 1n), "received a length of 18446744073709551615 of 2 bytes"],
  "no JSON": [file("{dtype: F32}", 0), "the header must be JSON in UTF-8"],
  "JSON that ends early": [file('{"a":{"dtype":"F32"', 0), "the header must be JSON in UTF-8"],
  "bytes that are no UTF-8": [
    file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 0),
    "the header must be JSON in UTF-8",
  ],
  "a list": [file("[]", 0), "the header must be a JSON object"],
  "null": [file("null", 0), "the header must be a JSON object"],
  "a string": [file('"F32"', 0), "the header must be a JSON object"],
  "a byte order mark": [file("\ufeff{}", 0), "the header must be a JSON object"],
  "data that no tensor names": [file("{}", 4), "the tensors must fill 4 bytes of data, received 0"],
  "an entry that is null": [file('{"a":null}', 0), "tensor a: shape must be a list of integers ≥ 0, received nothing"],
  "an entry that is a number": [file('{"a":1}', 0), "tensor a: shape must be a list"],
  "no shape": [
    file(one("F32", undefined, [0, 4]), 4),
    "tensor a: shape must be a list of integers ≥ 0, received nothing",
  ],
  "a negative size": [
    file(one("F32", [-1], [0, 4]), 4),
    "tensor a: shape must be a list of integers ≥ 0, received [-1]",
  ],
  "a fractional size": [file(one("F32", [0.5, 2], [0, 4]), 4), "tensor a: shape must be a list of integers ≥ 0"],
  "a size that is text": [
    file(one("F32", ["1"], [0, 4]), 4),
    'tensor a: shape must be a list of integers ≥ 0, received ["1"]',
  ],
  "no offsets": [
    file(one("F32", [1], undefined), 4),
    "tensor a: data_offsets must be two integers ≥ 0, received nothing",
  ],
  "three offsets": [file(one("F32", [1], [0, 2, 4]), 4), "tensor a: data_offsets must be two integers"],
  "negative offsets": [
    file(one("F32", [1], [-4, 0]), 4),
    "tensor a: data_offsets must be two integers ≥ 0, received [-4,0]",
  ],
  "fractional offsets": [file(one("F32", [1], [0.5, 4.5]), 5), "tensor a: data_offsets must be two integers"],
  "offsets of 2⁶⁰": [
    file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,${2n ** 60n}]}}`, 4),
    "tensor a: data_offsets must be two",
  ],
  "offsets beyond the data": [
    file(one("F32", [2], [0, 8]), 4),
    "tensor a: data_offsets must lie in [0, 4] in order, received [0, 8]",
  ],
  "offsets in reverse": [
    file(one("F32", [1], [4, 0]), 4),
    "tensor a: data_offsets must lie in [0, 4] in order, received [4, 0]",
  ],
  "fewer bytes than the shape": [file(one("F32", [2], [0, 4]), 4), "tensor a: shape [2] needs 8 bytes, received 4"],
  "more bytes than the shape": [file(one("F32", [], [0, 8]), 8), "tensor a: shape [] needs 4 bytes, received 8"],
  "a product beyond 2⁶⁴": [
    file(one("F32", [2 ** 32, 2 ** 32, 2 ** 32], [0, 4]), 4),
    "tensor a: shape [4294967296,4294967296,4294967296] needs 3.1691265005705735e+29 bytes, received 4",
  ],
  "a product that wraps to the right size in 64 bits": [
    file(`{"a":{"dtype":"F32","shape":[${2 ** 52},${2 ** 12}],"data_offsets":[0,0]}}`, 0),
    "bytes, received 0",
  ],
  "a product that overflows float64": [
    file(one("F32", Array(40).fill(2 ** 52), [0, 4]), 4),
    "needs Infinity bytes, received 4",
  ],
  "another dtype": [file(one("F16", [2], [0, 4]), 4), 'tensor a: dtype must be "F32", received "F16"'],
  "an unknown dtype": [file(one({ x: 1 }, [1], [0, 4]), 4), 'tensor a: dtype must be "F32", received {"x":1}'],
  "no dtype": [file(one(undefined, [1], [0, 4]), 4), 'tensor a: dtype must be "F32", received nothing'],
  "tensors that overlap": [
    file(two(entry("F32", [2], [0, 8]), entry("F32", [2], [4, 12])), 12),
    "tensor b: its data must begin at 8, received 4",
  ],
  "tensors that are the same bytes": [
    file(two(entry("F32", [1], [0, 4]), entry("F32", [1], [0, 4])), 4),
    "tensor b: its data must begin at 4, received 0",
  ],
  "a gap between tensors": [
    file(two(entry("F32", [1], [0, 4]), entry("F32", [1], [8, 12])), 12),
    "tensor b: its data must begin at 4, received 8",
  ],
  "a gap in front": [file(one("F32", [1], [4, 8]), 8), "tensor a: its data must begin at 0, received 4"],
  "data behind the last tensor": [
    file(one("F32", [1], [0, 4]), 8),
    "the tensors must fill 8 bytes of data, received 4",
  ],
  "an empty tensor in another's middle": [
    file(two(entry("F32", [2], [0, 8]), entry("F32", [0], [4, 4])), 8),
    "tensor b: its data must begin at 8, received 4",
  ],
  "a name twice": [
    file(`{"a":${entry("F32", [1], [0, 4])},"a":${entry("F32", [1], [0, 4])}}`, 4),
    "the header must not have a key twice",
  ],
  "a name twice, written in two ways": [
    file(`{"a":${entry("F32", [1], [0, 4])},"\\u0061":${entry("F32", [1], [0, 4])}}`, 4),
    "the header must not have a key twice",
  ],
  "a key twice in an entry": [
    file('{"a":{"dtype":"F32","shape":[9],"shape":[1],"data_offsets":[0,4]}}', 4),
    "the header must not have a key twice",
  ],
  "a name of two lines and a million letters": [
    file(JSON.stringify({ ["x\r\n\u2028" + "y".repeat(1e6)]: {} }), 0),
    "tensor x   yyyy",
  ],
  "a shape of a million sizes": [file(one("F32", Array(1e6).fill(2), [0, 4]), 4), "tensor a: shape [2,2,2,"],
  "a shape of 100,000 levels": [
    file(`{"a":{"dtype":"F32","shape":${nested(1e5)},"data_offsets":[0,4]}}`, 4),
    "tensor a: shape must be a list of integers ≥ 0, received",
  ],
  "a header of 100,000 levels": [file(`{"a":${nested(1e5)}}`, 0), "tensor a: shape must be a list"],
};

const assertOneLine = (error: Error) => {
  assertMatch(error.message, /^[^\p{C}\p{Zl}\p{Zp}]+$/u);
  assertLess(error.message.length, 300);
};

for (const [name, [bytes, message]] of Object.entries(HOSTILE)) {
  Deno.test(`parseSafetensors refuses ${name} in one line`, () => {
    assertOneLine(assertThrows(() => parseSafetensors(bytes), ModelError, message));
  });
}

Deno.test("parseSafetensors takes colons, braces and quotes in names and metadata for what they are", () => {
  const name = 'a":{}[]\\": "b';
  const header = JSON.stringify({
    __metadata__: { [name]: name, "dtype:": "{" },
    [name]: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
  });
  assertEquals([...parseSafetensors(file(header, 4)).keys()], [name]);
  assertEquals(parseSafetensors(file("{}   ", 0)).size, 0);
  assertEquals(parseSafetensors(file('{"__metadata__":{"format":"pt"}}', 0)).size, 0);
});

Deno.test("parseSafetensors gives a ModelError of one line or tensors that fill the file, for 5,000 damaged files", () => {
  const original = encodeSafetensors(tensors({ "conv.weight": [2, 3], "conv.bias": [2], "s": [], "e": [0] }));
  const headerEnd = 8 + Number(new DataView(original.buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(original.subarray(8, headerEnd)).trimEnd();
  const pieces = [
    "-1",
    "0",
    "4",
    "8",
    "1e400",
    "0.5",
    "9007199254740993",
    "null",
    "[]",
    "{}",
    '"F32"',
    '"',
    "\\",
    "\u0000",
  ];
  let accepted = 0, refused = 0;
  for (let run = 0; run < 5000; run++) {
    const draw = (element: number, count: number) => Math.floor(uniform(1, run, 0, element, 0x7e57) * count);
    let bytes: Uint8Array;
    if (run % 2 === 0) {
      // Damage to bytes anywhere, header length included, then perhaps an end cut off.
      bytes = original.slice(0, run % 8 === 0 ? draw(0, original.length + 1) : original.length);
      for (let k = 0; k <= draw(1, 3) && bytes.length > 0; k++) {
        bytes[draw(2 + 2 * k, Math.min(bytes.length, headerEnd + 4))] = draw(3 + 2 * k, 256);
      }
    } else {
      // A number, or any stretch of the header, replaced by something that belongs elsewhere.
      const numbers = [...text.matchAll(/\d+/g)];
      const at = run % 3 === 0 ? numbers[draw(0, numbers.length)] : undefined;
      const start = at?.index ?? draw(1, text.length);
      const end = at ? start + at[0].length : start + draw(2, 6);
      bytes = file(
        text.slice(0, start) + pieces[draw(3, pieces.length)] + text.slice(end),
        original.length - headerEnd,
      );
    }
    try {
      let covered = 0;
      for (const { shape, data } of parseSafetensors(bytes).values()) {
        assertEquals(data.length, sizeOf(shape));
        covered += data.byteLength;
      }
      assertEquals(covered, bytes.length - 8 - Number(new DataView(bytes.buffer).getBigUint64(0, true)));
      accepted++;
    } catch (error) {
      assertInstanceOf(error, ModelError, `run ${run}: ${error}`);
      assertOneLine(error);
      refused++;
    }
  }
  assert(accepted > 100 && refused > 1000, `${accepted} accepted, ${refused} refused`);
});

const reason = await whyNoPython("numpy", "safetensors.numpy");
const named = (name: string) => reason === "" ? name : `${name} (${reason})`;

Deno.test({
  name: named("Python's safetensors reads what encodeSafetensors writes, names, shapes and bits"),
  ignore: reason !== "",
  fn: async () => {
    const code = `
import json, sys
from safetensors.numpy import load
print(json.dumps({k: [str(v.dtype), v.shape, v.tobytes().hex()] for k, v in load(sys.stdin.buffer.read()).items()}))`;
    const read = JSON.parse(new TextDecoder().decode(await python(code, { input: encodeSafetensors(EDGES) })));
    const hex = ({ data }: StoredTensor) => new Uint8Array(data.buffer).toHex();
    assertEquals(
      Object.entries(read).sort(([a], [b]) => a < b ? -1 : 1),
      byName(EDGES).map(([name, stored]) => [name, ["float32", stored.shape, hex(stored)]]),
    );
  },
});

Deno.test({
  name: named("parseSafetensors reads what Python's safetensors writes, names, shapes and bits"),
  ignore: reason !== "",
  fn: async () => {
    const code = `
import sys
import numpy as np
from safetensors.numpy import save
tensors = {"scalar": np.array(1.5, np.float32), "empty": np.zeros((0, 3), np.float32), "größe": np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 7, "z": -np.ones(1, np.float32), "a": np.ones(5, np.float32)}
sys.stdout.buffer.write(save(tensors, {"format": "np"}))`;
    const read = parseSafetensors(await python(code));
    const expected = new Map<string, StoredTensor>([
      ["scalar", { shape: [], data: Float32Array.of(1.5) }],
      ["empty", { shape: [0, 3], data: new Float32Array() }],
      ["größe", { shape: [2, 3, 4], data: Float32Array.from({ length: 24 }, (_, i) => i / 7) }],
      ["z", { shape: [1], data: Float32Array.of(-1) }],
      ["a", { shape: [5], data: new Float32Array(5).fill(1) }],
    ]);
    assertEquals(byName(read), byName(expected));
  },
});
