import { assertEquals } from "@std/assert";
import { encodeNpy } from "../../formats/npy.ts";
import { encodeNpz, streamNpz } from "../../formats/npz.ts";
import { encodePng } from "../../formats/png.ts";

// What stands in the way of asking Python, or "" for nothing.
const missing = async (): Promise<string> => {
  const run = await Deno.permissions.query({ name: "run", command: "python3" });
  if (run.state !== "granted") return "needs --allow-run=python3";
  try {
    const { success } = await new Deno.Command("python3", {
      args: ["-c", "import numpy, PIL"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? "" : "needs NumPy and Pillow in python3";
  } catch {
    return "needs python3";
  }
};

const reason = await missing();
const named = (name: string) => reason === "" ? name : `${name} (${reason})`;

/** Runs Python with `bytes` on stdin; what it prints is JSON. */
const python = async (code: string, bytes: Uint8Array<ArrayBuffer>): Promise<unknown> => {
  const header =
    "import io, json, sys\nimport numpy as np\nfrom PIL import Image\nraw = io.BytesIO(sys.stdin.buffer.read())\n";
  const child = new Deno.Command("python3", { args: ["-c", header + code], stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(bytes);
  await writer.close();
  return JSON.parse(new TextDecoder().decode((await child.output()).stdout));
};

Deno.test({
  name: named("NumPy loads what encodeNpy writes, type, shape and values"),
  ignore: reason !== "",
  fn: async () => {
    const code = "a = np.load(raw)\nprint(json.dumps([str(a.dtype), a.shape, a.ravel().astype(str).tolist()]))";
    const floats = Float32Array.of(-1, 0.5, 0.25, 1, 2, -0.125);
    assertEquals(await python(code, encodeNpy({ dtype: "float32", shape: [2, 3, 1], data: floats })), [
      "float32",
      [2, 3, 1],
      ["-1.0", "0.5", "0.25", "1.0", "2.0", "-0.125"],
    ]);
    const longs = BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n);
    assertEquals(await python(code, encodeNpy({ dtype: "int64", shape: [2], data: longs })), [
      "int64",
      [2],
      ["-9223372036854775808", "9223372036854775807"],
    ]);
  },
});

Deno.test({
  name: named("NumPy loads what encodeNpz and streamNpz write, and finds no damage in the archive"),
  ignore: reason !== "",
  fn: async () => {
    const code =
      "z = np.load(raw)\nprint(json.dumps([z.zip.testzip(), z.files, z['arr_0'].shape, z['arr_0'].ravel().tolist()]))";
    const data = Uint8Array.from({ length: 24 }, (_, i) => i * 10);
    const expected = [null, ["arr_0"], [2, 2, 2, 3], [...data]];
    const array = { dtype: "uint8", shape: [2, 2, 2, 3], data } as const;
    assertEquals(await python(code, encodeNpz({ arr_0: array })), expected);
    assertEquals(await python(code, encodeNpz({ arr_0: array }, { deflate: true })), expected);
    const pieces: number[] = [];
    const stream = streamNpz({ name: "arr_0", dtype: "uint8", shape: array.shape }, (bytes) => pieces.push(...bytes));
    stream.push(data.slice(0, 11));
    stream.push(data.slice(11));
    stream.end();
    assertEquals(await python(code, Uint8Array.from(pieces)), expected);
  },
});

Deno.test({
  name: named("Pillow opens what encodePng writes, gray and RGB, with the same pixels"),
  ignore: reason !== "",
  fn: async () => {
    const code = "i = Image.open(raw)\ni.load()\nprint(json.dumps([i.mode, i.size, np.asarray(i).ravel().tolist()]))";
    const data = Uint8Array.from({ length: 3 * 5 * 3 }, (_, i) => (i * 91) % 256);
    const rgb = { data, height: 3, width: 5, channels: 3 };
    assertEquals(await python(code, encodePng(rgb)), ["RGB", [5, 3], [...data]]);
    const gray = { data: data.slice(0, 15), height: 3, width: 5, channels: 1 };
    assertEquals(await python(code, encodePng(gray)), ["L", [5, 3], [...gray.data]]);
  },
});
