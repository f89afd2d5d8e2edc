import { assertEquals } from "@std/assert";
import { type Candidate, chooseBatch } from "../../serving/scheduler.ts";

const claim = (work: number, { ready = 1, rowsPerImage: places = 1 }: Partial<Candidate> = {}): Candidate => ({
  work,
  ready,
  rowsPerImage: places,
});
const linear = (rows: number) => rows;
const flat = () => 1;
const half = (rows: number) => 1 + rows;

const images = (claims: Candidate[], capacity: number, costOf: (rows: number) => number) =>
  chooseBatch(claims, { capacity, costOf }).map(({ images }) => images);

Deno.test("chooseBatch takes as many rows of equal requests as fit, where a larger call is cheaper a row, or no dearer", () => {
  const equal = Array.from({ length: 20 }, () => claim(50));
  for (const costOf of [linear, flat, half]) assertEquals(images(equal, 16, costOf), Array(16).fill(1));
  assertEquals(images(equal.slice(0, 5), 16, half), Array(5).fill(1));
});

Deno.test("chooseBatch lets a short request go first where rows cost, and shares where they do not", () => {
  const claims = [claim(10), ...Array.from({ length: 15 }, () => claim(1000))];
  assertEquals(images(claims, 16, linear), [1]);
  assertEquals(images(claims, 16, half), [1]);
  assertEquals(images(claims, 16, flat), Array(16).fill(1));
});

Deno.test("chooseBatch always takes the first claim, however long it is", () => {
  const claims = [claim(1000), ...Array.from({ length: 3 }, () => claim(10))];
  for (const costOf of [linear, flat, half]) assertEquals(images(claims, 2, costOf), [1, 1]);
});

Deno.test("chooseBatch takes part of a request's images, and passes over those that do not fit or are not ready", () => {
  assertEquals(images([claim(160, { ready: 16 }), claim(160)], 8, flat), [8]);
  assertEquals(images([claim(40, { ready: 4, rowsPerImage: 2 })], 7, flat), [3]);
  const claims = [claim(50), claim(50, { rowsPerImage: 2 }), claim(50)];
  assertEquals(chooseBatch(claims, { capacity: 2, costOf: flat }).map((share) => claims.indexOf(share.candidate)), [
    0,
    2,
  ]);
});

Deno.test("chooseBatch does not pad a call to a size that costs more than the row in it is worth", () => {
  const nine = Array.from({ length: 9 }, () => claim(50));
  const padded = (rows: number) => 2 ** Math.ceil(Math.log2(rows));
  assertEquals(images(nine, 16, padded), Array(8).fill(1));
});
