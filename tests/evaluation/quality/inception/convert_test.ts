import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { inceptionTensors } from "../../../../evaluation/quality/inception/architecture.ts";
import { readInception } from "../../../../evaluation/quality/inception/inception.ts";
import { python, whyNoPython } from "../../../model/python.ts";
import { reasonNotToWrite, writingTest } from "../../../model/temporary_folder.ts";

const reason = reasonNotToWrite || await whyNoPython("torch", "safetensors.torch");

/** Saves tensors of these shapes, each filled with its number, as PyTorch does; then converts them. */
const CONVERT = `
import json, runpy, sys, torch
shapes, folder = json.load(sys.stdin), sys.argv[1]
state = {name: torch.full(shape, float(i)) for i, (name, shape) in enumerate(shapes)}
state["Conv2d_1a_3x3.bn.num_batches_tracked"] = torch.tensor(0)
torch.save(state, folder + "/a.pth")
sys.argv = ["", folder + "/a.pth", folder + "/a.safetensors"]
runpy.run_path("scripts/convert_inception.py", run_name="__main__")
`;

writingTest("scripts/convert_inception.py makes of a .pth what readInception takes", async (folder) => {
  const tensors = inceptionTensors();
  const shapes = tensors.map(({ name, shape }) => [name, shape]);
  await python(CONVERT, { input: new TextEncoder().encode(JSON.stringify(shapes)), args: [folder] });
  const read = await readInception(join(folder, "a.safetensors"));
  assertEquals(read.tensors.size, tensors.length);
  tensors.forEach(({ name }, i) => assertEquals(read.tensors.get(name)!.data.at(-1), i));
}, reason);
