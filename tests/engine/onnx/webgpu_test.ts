import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { executable, missing } from "../../commands/run_main.ts";
import { DENO_RUN } from "../../deno_run.ts";
import { assertWithin } from "../assert_within.ts";
import { whyNot } from "../why_not.ts";

const program = fromFileUrl(new URL("./webgpu_program.ts", import.meta.url));
/** SwiftShader, which Debian's chromium brings: Mesa's lavapipe lacks what the provider's Dawn asks for. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

const run = async (...models: string[]) => {
  const { code, stdout, stderr } = await new Deno.Command(executable!, {
    args: [
      ...DENO_RUN,
      "--allow-read=.",
      "--allow-ffi=node_modules",
      "--allow-env=ORT_DISABLE_TELEMETRY",
      program,
      ...models,
    ],
    env: { VK_DRIVER_FILES: SWIFTSHADER, XDG_RUNTIME_DIR: "/nonexistent" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
};

const reason = missing || whyNot("onnx") || (await run()).missing;
const title =
  "WebGPU by onnx, on a software adapter: five U-Nets within 1e-5 of diffusers, a row has the same bits among others";

Deno.test(`${title} ${reason ?? ""}`.trimEnd(), { ignore: Boolean(reason) }, async () => {
  const { device, differences, company } = await run("cifar10", "celebahq", "conditional", "learned", "ddpm");
  assertEquals(device, "WebGPU in software");
  const engine = "onnx on webgpu";
  for (const [model, difference] of Object.entries<number>(differences)) {
    assertWithin(difference, 1e-5, { suite: `U-Net ${model}`, quantity: "output", engine });
  }
  for (const [model, values] of Object.entries<number>(company)) {
    assertWithin(values, 1, { suite: "a row among others", quantity: "values of other bits", engine }, model);
  }
});
