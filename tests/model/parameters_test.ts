import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { unetParameters } from "../../model/architecture.ts";
import { parseUNetConfig } from "../../model/unet_config.ts";

interface Golden {
  config: unknown;
  parameters: Record<string, number[]>;
}

const goldens: Record<string, Golden> = JSON.parse(
  await Deno.readTextFile(fromFileUrl(new URL("../fixtures/model/parameters.json", import.meta.url))),
);

const sorted = <T>(entries: Iterable<readonly [string, T]>) => [...entries].sort(([a], [b]) => a < b ? -1 : 1);

for (const [name, { config, parameters }] of Object.entries(goldens)) {
  Deno.test(`unetParameters has the names and shapes of diffusers' state_dict: ${name}`, () => {
    const ours = unetParameters(parseUNetConfig(config));
    assertEquals(sorted(ours.map(({ name, shape }) => [name, [...shape]])), sorted(Object.entries(parameters)));
  });
}
