/** The fields of GPUAdapterInfo that are read here. */
export type AdapterInfo = Pick<
  GPUAdapterInfo,
  "vendor" | "architecture" | "device" | "description" | "isFallbackAdapter"
>;

/** Mesa's llvmpipe (lavapipe under Vulkan) and softpipe, Google's SwiftShader, Microsoft's WARP. */
const SOFTWARE = /llvmpipe|lavapipe|softpipe|swrast|swiftshader|basic render|\bwarp\b/i;

/** Whether an adapter computes on the processor, and only looks like a graphics card. */
export const isSoftware = ({ vendor, architecture, device, description, isFallbackAdapter }: AdapterInfo): boolean =>
  isFallbackAdapter || [vendor, architecture, device, description].some((text) => SOFTWARE.test(text));

/** An adapter for people to read. */
export const describeAdapter = ({ vendor, architecture, device, description }: AdapterInfo): string =>
  description || [vendor, architecture, device].filter((text) => text !== "").join(" ") || "an adapter without a name";

/** Wayland's library, which Mesa's drivers load, writes to stderr where this variable is not set. */
const NOISY = "XDG_RUNTIME_DIR";

const withoutWaylandNoise = async <T>(run: () => Promise<T>): Promise<T> => {
  const isAllowed = (await Deno.permissions.query({ name: "env", variable: NOISY })).state === "granted";
  if (Deno.build.os !== "linux" || !isAllowed || Deno.env.has(NOISY)) return await run();
  Deno.env.set(NOISY, "/nonexistent");
  try {
    return await run();
  } finally {
    Deno.env.delete(NOISY);
  }
};

/**
 * Asks for the fastest adapter, or for one in software. 5 to 100 ms, the first time in a process.
 *
 * @returns `null` where there is none. Without `software` the result may be a software adapter all the same: see
 * {@linkcode isSoftware}
 */
export const requestAdapter = ({ software = false }: { software?: boolean } = {}): Promise<GPUAdapter | null> =>
  withoutWaylandNoise(() =>
    navigator.gpu.requestAdapter({ powerPreference: "high-performance", forceFallbackAdapter: software })
  );

/** Whether this machine has a graphics card that WebGPU reaches. */
export const hasGpu = async (): Promise<boolean> => {
  const adapter = await requestAdapter();
  return adapter !== null && !isSoftware(adapter.info);
};
