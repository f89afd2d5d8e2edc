import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { EngineError, openEngine } from "../../../engine/mod.ts";
import {
  type AdapterInfo,
  describeAdapter,
  hasGpu,
  isSoftware,
  requestAdapter,
} from "../../../engine/webgpu/adapter.ts";

const info = (parts: Partial<AdapterInfo>): AdapterInfo => ({
  vendor: "",
  architecture: "",
  device: "",
  description: "",
  isFallbackAdapter: false,
  ...parts,
});

// First: TensorFlow crashes at its start in a process into which a graphics driver has loaded LLVM.
Deno.test("auto takes no software adapter", async () => {
  assert((await openEngine("auto")).name !== "webgpu-software");
  if (!await hasGpu()) assert(tf.getBackend() !== "webgpu");
});

Deno.test("isSoftware knows the adapters that compute on the processor, whatever they say of themselves", () => {
  for (
    const parts of [
      { description: "llvmpipe (LLVM 15.0.6, 256 bits)" },
      { description: "llvmpipe (LLVM 19.1.7, 256 bits)", isFallbackAdapter: true },
      { description: "SwiftShader Device (Subzero)" },
      { vendor: "google", architecture: "swiftshader" },
      { description: "Microsoft Basic Render Driver" },
      { vendor: "microsoft", architecture: "warp" },
      { description: "softpipe" },
      { description: "Some Adapter", isFallbackAdapter: true },
    ]
  ) assert(isSoftware(info(parts)), JSON.stringify(parts));
  for (
    const parts of [
      { vendor: "4318", device: "8962", description: "NVIDIA H100 PCIe" },
      { description: "NVIDIA GeForce RTX 4090" },
      { description: "AMD Radeon RX 7900 XTX (RADV NAVI31)" },
      { description: "Intel(R) UHD Graphics 630 (CFL GT2)" },
      { vendor: "apple", architecture: "metal-3", description: "Apple M2" },
      { vendor: "qualcomm", description: "Adreno (TM) 740" },
      {},
    ]
  ) assert(!isSoftware(info(parts)), JSON.stringify(parts));
});

Deno.test("describeAdapter takes the description, else what there is", () => {
  assertEquals(describeAdapter(info({ vendor: "4318", description: "NVIDIA H100 PCIe" })), "NVIDIA H100 PCIe");
  assertEquals(describeAdapter(info({ vendor: "apple", architecture: "metal-3" })), "apple metal-3");
  assertEquals(describeAdapter(info({})), "an adapter without a name");
});

Deno.test("openEngine opens webgpu on a graphics card alone, else says in one line what there is instead", async () => {
  const adapter = await requestAdapter();
  const expected = adapter === null
    ? "Cannot start webgpu: no adapter was found"
    : isSoftware(adapter.info)
    ? `Cannot start webgpu: only a software adapter is there: ${adapter.info.description}; --engine webgpu-software uses it`
    : `webgpu on ${describeAdapter(adapter.info)}`;
  assertEquals(await hasGpu(), expected.startsWith("webgpu on"));
  const found = await openEngine("webgpu").then(({ name, device }) => `${name} on ${device}`, (error) => {
    assert(error instanceof EngineError);
    return error.message;
  });
  assert(found.startsWith(expected), found);
  assert(!found.includes("\n"));
});

Deno.test("openEngine opens webgpu-software on a software adapter alone", async () => {
  const adapter = await requestAdapter({ software: true });
  const opened = await openEngine("webgpu-software").catch((error) => {
    assert(error instanceof EngineError && error.message.startsWith("Cannot start webgpu-software: "));
    return null;
  });
  assertEquals(opened === null, adapter === null || !isSoftware(adapter.info));
  if (opened) assertEquals([tf.getBackend(), opened.device], ["webgpu-software", describeAdapter(adapter!.info)]);
});

Deno.test("requestAdapter leaves the environment as it was", async () => {
  const mayRead = (await Deno.permissions.query({ name: "env", variable: "XDG_RUNTIME_DIR" })).state === "granted";
  const before = mayRead ? Deno.env.get("XDG_RUNTIME_DIR") : undefined;
  await requestAdapter();
  if (mayRead) assertEquals(Deno.env.get("XDG_RUNTIME_DIR"), before);
});
