import { assertEquals } from "@std/assert";
import { networkFigure } from "../../figures/network.ts";
import { unetParameters } from "../../model/architecture.ts";
import { parseUNetConfig } from "../../model/unet_config.ts";

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/** Elements of a colour within the figure; the legend has one more of each rectangle. */
const rectangles = (svg: string, colour: string): number =>
  count(svg, new RegExp(`<rect [^>]*rx="2" fill="${colour}"`, "g")) - 1;

for (const name of ["cifar10/unet", "celebahq", "conditional/unet"]) {
  Deno.test(`the network's figure has a bar a layer, and an arrow a skip connection: ${name}`, () => {
    const source = new URL(`../fixtures/model/${name}/config.json`, import.meta.url);
    const config = parseUNetConfig(JSON.parse(Deno.readTextFileSync(source)));
    const svg = networkFigure({ config, prediction: "epsilon", note: "a test" });
    // The layers as the names of their weights have them.
    const names = unetParameters(config).map((parameter) => parameter.name);
    const ending = (pattern: RegExp) => names.filter((own) => pattern.test(own)).length;
    const attentions = ending(/to_q\.weight$/);
    assertEquals(rectangles(svg, "#0072b2"), ending(/resnets\.\d+\.conv1\.weight$/) - attentions);
    if (attentions > 0) assertEquals(rectangles(svg, "#d55e00"), attentions);
    assertEquals(rectangles(svg, "#009e73"), ending(/samplers\.0\.conv\.weight$/));
    assertEquals(rectangles(svg, "#9aa4ad"), 2);
    assertEquals(count(svg, /fill="#b0b6bb"/g), ending(/^up_blocks.*resnets\.\d+\.conv1\.weight$/));
  });
}
