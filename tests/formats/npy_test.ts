import { assertEquals, assertThrows } from "@std/assert";
import { decodeNpy, encodeNpy, type NpyArray } from "../../formats/npy.ts";
import { decodeNpz } from "../../formats/npz.ts";

const fixtures = new URL("../fixtures/formats/", import.meta.url);
const read = (name: string) => Deno.readFileSync(new URL(name, fixtures));
const expected = JSON.parse(new TextDecoder().decode(read("expected.json")));

Deno.test("decodeNpy reads each element type that NumPy wrote", () => {
  const float32 = decodeNpy(read("float32.npy"));
  assertEquals([float32.dtype, float32.shape], ["float32", [2, 2, 3]]);
  assertEquals([...float32.data], expected.float32);
  assertEquals([...decodeNpy(read("float64.npy")).data], expected.float64);
  assertEquals([...decodeNpy(read("uint8.npy")).data], Array.from({ length: 256 }, (_, i) => i));
  assertEquals([...decodeNpy(read("int32.npy")).data], expected.int32);
  assertEquals([...decodeNpy(read("int64.npy")).data].map(String), expected.int64);
});

Deno.test("decodeNpy reads integers of every type and byte order to their limits", () => {
  const integers = decodeNpz(read("integers.npz"));
  assertEquals(Object.keys(integers).length, 16);
  const values = Object.entries(integers).map(([name, { data }]) => [name, [...data].map(String)]);
  assertEquals(Object.fromEntries(values), expected.integers);
  for (const [name, { dtype }] of Object.entries(integers)) assertEquals(dtype, name.split(" ")[1]);
});

Deno.test("decodeNpy reads big-endian floats", () => {
  const { dtype, data } = decodeNpy(read("big_endian.npy"));
  assertEquals([dtype, ...data], ["float64", ...expected.float64]);
});

Deno.test("decodeNpy reads NumPy's scalars (shape ()) and empty arrays", () => {
  const scalar = decodeNpy(read("scalar.npy"));
  assertEquals([scalar.shape, [...scalar.data]], [[], [2.5]]);
  const empty = decodeNpy(read("empty.npy"));
  assertEquals([empty.shape, empty.data.length], [[0, 3], 0]);
});

Deno.test("decodeNpy reads formats 2 and 3, whose header length has four bytes", () => {
  const first = decodeNpy(read("float32.npy"));
  assertEquals(decodeNpy(read("version2.npy")), first);
  assertEquals(decodeNpy(read("version3.npy")), first);
});

Deno.test("encodeNpy writes the bytes that numpy.save writes", () => {
  for (const name of ["float32", "float64", "uint8", "int32", "int64", "scalar", "empty"]) {
    const file = read(`${name}.npy`);
    assertEquals(encodeNpy(decodeNpy(file)), new Uint8Array(file), name);
  }
});

Deno.test("encodeNpy writes the part of a buffer that a view shows", () => {
  const data = new Float32Array([0, 1, 2, 3]).subarray(1, 3);
  assertEquals([...decodeNpy(encodeNpy({ dtype: "float32", shape: [2], data })).data], [1, 2]);
});

Deno.test("decodeNpy reads from a view at an odd offset", () => {
  const file = read("float64.npy");
  const shifted = new Uint8Array(file.length + 1);
  shifted.set(file, 1);
  assertEquals([...decodeNpy(shifted.subarray(1)).data], expected.float64);
});

Deno.test("decodeNpy names the damage of a file", () => {
  const file = read("float32.npy");
  const changed = (at: number, byte: number) => file.map((old, i) => i === at ? byte : old);
  const refuse = (bytes: Uint8Array, message: string) => assertThrows(() => decodeNpy(bytes), SyntaxError, message);
  refuse(new Uint8Array(0), "magic");
  refuse(changed(0, 0x92), "magic");
  refuse(changed(6, 9), "version must be 1, 2 or 3, received 9");
  refuse(changed(9, 0xff), "reaches beyond the file of 176");
  refuse(file.subarray(0, 100), "reaches beyond the file of 100");
  refuse(file.subarray(0, 175), "float32 of shape (2, 2, 3) takes 48 bytes, the file has 47");
  refuse(new Uint8Array([...file, 0]), "takes 48 bytes, the file has 49");
  refuse(changed(12, 0x58), "must name descr, fortran_order and shape");
});

Deno.test("decodeNpy refuses Fortran order and other types, and names them", () => {
  assertThrows(() => decodeNpy(read("fortran.npy")), SyntaxError, "Fortran order");
  const types = "float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64";
  const refuse = (name: string, received: string) =>
    assertThrows(
      () => decodeNpy(read(name), "y"),
      SyntaxError,
      `cannot read y: its type must be one of ${types}; ${received}`,
    );
  refuse("complex.npy", "received '<c8'");
  refuse("structured.npy", "received [('a', '<i4'), ('b', '<f4')]");
});

Deno.test("encodeNpy refuses data that does not fill the shape or is of another kind", () => {
  const array: NpyArray = { dtype: "float32", shape: [2, 2], data: new Float32Array(3) };
  assertThrows(() => encodeNpy(array), RangeError, "4 elements, received 3");
  assertThrows(() => encodeNpy({ ...array, dtype: "int32" }), TypeError, "Int32Array, received Float32Array");
  assertThrows(() => encodeNpy({ ...array, shape: [-3, -1] }), RangeError);
});
