import { join } from "@std/path";
import { normal } from "../../../core/mod.ts";
import { findDataset } from "../../../datasets/open.ts";
import { encodePng } from "../../../formats/png.ts";

/**
 * Prepares pictures of 8×8 of the classes red, green and blue, `each` of every class, as the tiny model knows them.
 *
 * @returns the folder of the prepared images, which `--data` takes
 */
export const prepareColours = async (folder: string, { each = 3, side = 8 } = {}): Promise<string> => {
  for (const [k, name] of ["red", "green", "blue"].entries()) {
    await Deno.mkdir(join(folder, "colours", name), { recursive: true });
    for (let i = 0; i < each; i++) {
      const data = Uint8Array.from(
        { length: side * side * 3 },
        (_, at) => Math.max(0, Math.min(255, 128 + (at % 3 === k ? 90 : -90) + 20 * normal(k, i, 0, at))),
      );
      const file = join(folder, "colours", name, `${i}.png`);
      await Deno.writeFile(file, encodePng({ data, height: side, width: side, channels: 3 }));
    }
  }
  const placed = await findDataset(join(folder, "colours"), { root: folder });
  await placed.prepare();
  return placed.folder!;
};
