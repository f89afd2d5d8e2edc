import { ImageError, type Raster, type RasterHeader } from "./raster.ts";

/** What an Emscripten build of jSquash gives: `decode` makes RGBA of a file, or null. */
interface Instance {
  decode(bytes: Uint8Array, ...options: unknown[]): { width: number; height: number; data: Uint8ClampedArray } | null;
}

/** Starts an instance; its options are Emscripten's. */
type Factory = (options: object) => Promise<Instance>;

const silent = () => {};

/**
 * Makes a decoder of a codec in wasm. Every picture gets a memory of its own (0.2 ms), so that whatever a hostile file
 * does to the codec ends with it, and no other picture can be reached from there.
 *
 * @param codec.wasm URL of the module; it is compiled at the first picture
 * @param codec.options what the codec's `decode` takes besides the bytes
 * @returns decodes to RGBA; it must be told what the file's header says
 */
export const createWasmCodec = (
  { name, wasm, factory, options = [] }: {
    name: string;
    wasm: string;
    factory: unknown;
    options?: readonly unknown[];
  },
) => {
  let compiled: Promise<WebAssembly.Module> | undefined;
  const compile = async () => await WebAssembly.compile(await (await fetch(wasm)).arrayBuffer());
  const start = async (): Promise<Instance> => {
    const module = await (compiled ??= compile());
    return await (factory as Factory)({
      noInitialRun: true,
      print: silent,
      printErr: silent,
      instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
        const instance = new WebAssembly.Instance(module, imports);
        done(instance);
        return instance.exports;
      },
    });
  };

  return async (bytes: Uint8Array, header: RasterHeader): Promise<Omit<Raster, "orientation">> => {
    const instance = await start();
    const image = (() => {
      try {
        return instance.decode(bytes, ...options);
      } catch (cause) {
        throw new ImageError("damaged", `the ${name} data is damaged`, { cause });
      }
    })();
    if (!image) throw new ImageError("damaged", `the ${name} data is damaged`);
    const { width, height, data } = image;
    if (width !== header.width || height !== header.height || data.length !== 4 * width * height) {
      throw new ImageError(
        "damaged",
        `the ${name} says that it is ${header.width}×${header.height}, and holds ${width}×${height}`,
      );
    }
    return { width, height, channels: 4, data };
  };
};
