import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { zipSync } from "fflate";
import { decodeNpy } from "../../formats/npy.ts";
import { decodeNpz, encodeNpz, streamNpz } from "../../formats/npz.ts";

const fixtures = new URL("../fixtures/formats/", import.meta.url);
const read = (name: string) => Deno.readFileSync(new URL(name, fixtures));
const arrays = { arr_0: decodeNpy(read("uint8.npy")), labels: decodeNpy(read("int64.npy")) };

Deno.test("decodeNpz reads what numpy.savez and numpy.savez_compressed wrote", () => {
  assertEquals(decodeNpz(read("stored.npz")), arrays);
  assertEquals(decodeNpz(read("deflated.npz")), arrays);
});

Deno.test("encodeNpz and decodeNpz keep every array, stored or deflated", () => {
  assertEquals(decodeNpz(encodeNpz(arrays)), arrays);
  assertEquals(decodeNpz(encodeNpz(arrays, { deflate: true })), arrays);
});

Deno.test("encodeNpz makes deflated archives smaller and the same bytes each time", () => {
  const flat = { arr_0: { dtype: "uint8", shape: [4096], data: new Uint8Array(4096) } } as const;
  assertLess(encodeNpz(flat, { deflate: true }).length, 500);
  assertEquals(encodeNpz(flat), encodeNpz(flat));
});

Deno.test("streamNpz writes in pieces an archive that decodeNpz reads", () => {
  const bytes: number[] = [];
  const stream = streamNpz({ name: "arr_0", dtype: "uint8", shape: [16, 16, 1] }, (piece) => bytes.push(...piece));
  const data = arrays.arr_0.data as Uint8Array;
  for (const [start, end] of [[0, 100], [100, 101], [101, 256]]) stream.push(data.slice(start, end));
  stream.end();
  assertEquals(decodeNpz(Uint8Array.from(bytes)), { arr_0: arrays.arr_0 });
});

Deno.test("decodeNpz names a damaged archive", () => {
  assertThrows(() => decodeNpz(new Uint8Array(0)), SyntaxError, "cannot read .npz");
  assertThrows(() => decodeNpz(read("float32.npy")), SyntaxError, "cannot read .npz");
  assertThrows(() => decodeNpz(read("stored.npz").subarray(0, 500)), SyntaxError, "cannot read .npz");
});

Deno.test("decodeNpz names the array that it cannot read, unless only others are wanted", () => {
  const archive = zipSync({ "images.npy": read("uint8.npy"), "labels.npy": read("complex.npy") });
  assertThrows(() => decodeNpz(archive), SyntaxError, "cannot read labels.npy: its type must be one of");
  assertEquals(Object.keys(decodeNpz(archive, { only: (name) => name === "images" })), ["images"]);
});

Deno.test("streamNpz refuses to end an array that lacks elements", () => {
  const stream = streamNpz({ name: "arr_0", dtype: "uint8", shape: [4] }, () => {});
  stream.push(new Uint8Array(3));
  assertThrows(() => stream.end(), RangeError, "arr_0.npy must have 132 bytes, received 131");
});
