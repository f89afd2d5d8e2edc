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
  ...Object.fromEntries(
    ["I8", "U8", "I16", "I32", "I64", "BOOL", "F8_E4M3", "f16", "__proto__", "constructor"].map((dtype) => [
      `a tensor of ${dtype}`,
      [
        file(one(dtype, [1], [0, 4]), 4),
        `tensor a: dtype must be one of F64, F32, F16, BF16, received ${JSON.stringify(dtype)}`,
      ] as [Uint8Array, string],
    ]),
  ),
  "an unknown dtype": [file(one({ x: 1 }, [1], [0, 4]), 4), 'one of F64, F32, F16, BF16, received {"x":1}'],
  "a dtype in a list": [file(one(["F16"], [1], [0, 2]), 2), 'one of F64, F32, F16, BF16, received ["F16"]'],
  "no dtype": [file(one(undefined, [1], [0, 4]), 4), "one of F64, F32, F16, BF16, received nothing"],
  "float16 with the bytes of float32": [file(one("F16", [2], [0, 8]), 8), "shape [2] needs 4 bytes, received 8"],
  "bfloat16 of an odd number of bytes": [file(one("BF16", [2], [0, 3]), 3), "shape [2] needs 4 bytes, received 3"],
  "float64 with the bytes of float32": [file(one("F64", [2], [0, 8]), 8), "shape [2] needs 16 bytes, received 8"],
  "float16 beyond the data": [file(one("F16", [2 ** 40], [0, 2 ** 41]), 4), "data_offsets must lie in [0, 4] in order"],
  "a float16 size beyond 2⁵³": [file(one("F16", [2 ** 52, 2 ** 12], [0, 0]), 0), "bytes, received 0"],
  "dtypes that overlap": [
    file(two(entry("F16", [3], [0, 6]), entry("F32", [1], [4, 8])), 8),
    "tensor b: its data must begin at 6, received 4",
  ],
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
    '"F16"',
    '"BF16"',
    '"F64"',
    '"I64"',
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

/** What float16 makes of a value, by its definition: the nearest multiple of the spacing around it, ties to even. */
const nearestHalf = (value: number): number => {
  const spacing = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -14) - 10);
  const units = value / spacing, below = Math.floor(units);
  const up = units - below > 0.5 || (units - below === 0.5 && below % 2 !== 0);
  return (up ? below + 1 : below) * spacing;
};

Deno.test("encodeSafetensors with dtype F16 rounds to nearest, ties to even, and parseSafetensors reads it as float32", () => {
  const ties = [1 + 2 ** -11, 1 + 3 * 2 ** -11, -1 - 2 ** -11, 2049, 2051, 2 ** -25, 3 * 2 ** -25, 65519];
  const values = Float32Array.of(...ties, 1e-5, 6e-8, -65504, ...randomValues([500], 3));
  const bytes = encodeSafetensors(new Map([["a", { shape: [values.length], data: values }]]), { dtype: "F16" });
  assertEquals(bytes.length - 8 - Number(new DataView(bytes.buffer).getBigUint64(0, true)), 2 * values.length);
  const read = parseSafetensors(bytes).get("a")!;
  assertInstanceOf(read.data, Float32Array);
  assertEquals([...read.data].map((v) => v + 0), [...values].map((v) => nearestHalf(v) + 0));
  assertEquals([...read.data.slice(0, 8)], [1, 1 + 2 ** -9, -1, 2048, 2052, 0, 2 ** -23, 65504]);
  const special = Float32Array.of(-0, Infinity, -Infinity, NaN);
  const again = parseSafetensors(encodeSafetensors(new Map([["s", { shape: [4], data: special }]]), { dtype: "F16" }));
  assertEquals(again.get("s")!.data, special);
  assert(Object.is(again.get("s")!.data[0], -0));
});

Deno.test("encodeSafetensors refuses a value that float16 cannot hold, by the tensor's name, and other dtypes", () => {
  const large = new Map([["conv.weight", { shape: [2], data: Float32Array.of(1, -65520) }]]);
  assertThrows(
    () => encodeSafetensors(large, { dtype: "F16" }),
    RangeError,
    "conv.weight: value must be in [-65504, 65504] for float16, received -65520",
  );
  // @ts-expect-error it is not among the formats that are written
  assertThrows(() => encodeSafetensors(large, { dtype: "BF16" }), RangeError, "dtype must be one of F32, F16");
});

Deno.test("parseSafetensors reads all 65,536 values of float16 and bfloat16, at odd offsets too", () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const header = two(entry("F16", [65536], [0, 131072]), entry("BF16", [256, 256], [131072, 262144]));
  const bytes = file(header + " ".repeat((8 - header.length % 8) + 1), 262144);
  const start = bytes.length - 262144;
  assertEquals(start % 2, 1);
  bytes.set(new Uint8Array(halves.buffer), start);
  bytes.set(new Uint8Array(halves.buffer), start + 131072);
  const read = parseSafetensors(bytes);
  const half = (i: number): number => {
    const [sign, exponent, fraction] = [i >> 15 ? -1 : 1, i >> 10 & 31, i & 1023];
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  };
  const brain = (i: number): number => {
    const [sign, exponent, fraction] = [i >> 15 ? -1 : 1, i >> 7 & 255, i & 127];
    if (exponent === 255) return fraction ? NaN : sign * Infinity;
    return sign * (exponent === 0 ? fraction * 2 ** -133 : (128 + fraction) * 2 ** (exponent - 134));
  };
  const [a, b] = [read.get("a")!.data, read.get("b")!.data];
  const differs = Array.from(halves).filter((i) => !Object.is(a[i], half(i)) || !Object.is(b[i], brain(i)));
  assertEquals(differs, []);
  assertEquals(read.get("b")!.shape, [256, 256]);
});

const reason = await whyNoPython("numpy", "safetensors.numpy");
const named = (name: string, without = reason) => without === "" ? name : `${name} (${without})`;

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

const noTorch = await whyNoPython("torch", "safetensors.torch");

Deno.test({
  name: named("what torch writes as float16, bfloat16 and float64 is read as torch itself converts it", noTorch),
  ignore: noTorch !== "",
  fn: async () => {
    const code = `
import struct, sys, torch
from safetensors.torch import save
torch.manual_seed(0)
x = torch.cat([torch.randn(1000) * 10.0 ** torch.randint(-9, 5, (1000,)), torch.tensor([0.0, -0.0, float("inf"), -float("inf")])])
tensors = {"half": x.half(), "brain": x.bfloat16().reshape(4, 251), "double": x.double() / 3, "float": x, "scalar": torch.tensor(1.5).half()}
data = save(tensors)
sys.stdout.buffer.write(struct.pack("<Q", len(data)) + data + save({k: v.float() for k, v in tensors.items()}))`;
    const printed = await python(code);
    const length = Number(new DataView(printed.buffer).getBigUint64(0, true));
    const read = parseSafetensors(printed.subarray(8, 8 + length));
    const expected = parseSafetensors(printed.subarray(8 + length));
    assertEquals(byName(read), byName(expected));
    assertEquals(read.get("half")!.data.length, 1004);
  },
});

Deno.test({
  name: named("torch reads float16 that encodeSafetensors wrote, the bits of its own half()", noTorch),
  ignore: noTorch !== "",
  fn: async () => {
    const values = new Map(
      [...EDGES].map(([name, { shape, data }]) => [name, { shape, data: data.map((v) => v * 30) }]),
    );
    const code = `
import json, sys
from safetensors.torch import load
size = int(sys.argv[1])
data = sys.stdin.buffer.read()
halves, floats = load(data[:size]), load(data[size:])
same = {k: [str(v.dtype), list(v.shape), v.view(__import__("torch").int16).tolist() == floats[k].half().view(__import__("torch").int16).tolist()] for k, v in halves.items()}
print(json.dumps(same))`;
    const [halves, floats] = [encodeSafetensors(values, { dtype: "F16" }), encodeSafetensors(values)];
    const input = new Uint8Array([...halves, ...floats]);
    const read = JSON.parse(new TextDecoder().decode(await python(code, { input, args: [`${halves.length}`] })));
    assertEquals(
      Object.entries(read).sort(([a], [b]) => a < b ? -1 : 1),
      byName(values).map(([name, { shape }]) => [name, ["torch.float16", shape, true]]),
    );
  },
});
