import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { ModelFile } from "../../browser/messages.ts";
import { memoryReader } from "../../browser/memory_files.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { parseKeys } from "../../routes/http/keys.ts";
import { tinyModel, withServer } from "./with_server.ts";

Deno.test("/models/{name}/files: what was fetched loads as the model does, from memory", () =>
  withServer(async ({ origin }) => {
    const list = `${origin}/models/tiny-model/files`;
    const files: ModelFile[] = await (await fetch(list)).json();
    const held = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const { path, href, bytes } of files) {
      const response = await fetch(`${origin}/models/tiny-model/${href}`);
      const content = new Uint8Array(await response.arrayBuffer());
      assertEquals(response.headers.get("content-length"), String(bytes));
      assertEquals(content, await Deno.readFile(join(tinyModel, path)));
      held.set(`tiny-model/${path}`, content);
    }
    const { folder: _, ...there } = await loadPipeline(tinyModel);
    const { folder, ...here } = await loadPipeline("tiny-model", { reader: memoryReader(held) });
    assertEquals(folder, "tiny-model");
    assertEquals(here, there);
  }));

Deno.test("/models/{name}/files: no other file of the folder, and none beyond it, is given", () =>
  withServer(async ({ origin }) => {
    for (const file of ["README.md", "unet", "..~..~deno.json", "..%2F..%2Fdeno.json", "unet%2Fconfig.json"]) {
      const response = await fetch(`${origin}/models/tiny-model/files/${file}`);
      assertEquals(response.status, 404, file);
      assertStringIncludes((await response.json()).detail, "there is no file");
    }
    const response = await fetch(`${origin}/models/none/files`);
    assertEquals(response.status, 404);
    await response.body?.cancel();
  }));

Deno.test("/models/{name}/files takes the right generate", () =>
  withServer(async ({ origin }) => {
    for (const [key, status] of [["draws", 200], ["trains", 403], ["wrong", 401]] as const) {
      const headers = { authorization: `Bearer ${key}` };
      const response = await fetch(`${origin}/models/tiny-model/files`, { headers });
      assertEquals(response.status, status);
      await response.body?.cancel();
    }
  }, { keys: parseKeys("draws:generate trains:jobs") }));
