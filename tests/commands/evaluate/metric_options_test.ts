import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { UsageError } from "../../../commands/cli/command.ts";
import { optionsOf, parse } from "../../../commands/cli/options.ts";
import { optionsFor, ownOptions, refuseOthers } from "../../../commands/evaluate/metric_options.ts";
import { defineMetric } from "../../../evaluation/metric.ts";

const never = () => Promise.reject(new Error("not asked for"));
const neighbours = z.int().min(1).default(3).describe("Neighbours");
const sharp = defineMetric({
  name: "sharp",
  summary: "how sharp",
  options: { neighbours, blur: z.boolean().default(false).describe("Blur first") },
  load: never,
});
const bright = defineMetric({ name: "bright", summary: "how bright", options: { neighbours }, load: never });
const metrics = [sharp, bright];
const schema = z.strictObject({
  metric: z.array(z.enum(["sharp", "bright"])).default(["sharp"]),
  ...ownOptions(metrics),
}).superRefine(({ metric, ...options }, context) =>
  refuseOthers(
    metrics,
    metrics.filter(({ name }) => (metric as string[]).includes(name)),
    options,
    (key, message) => context.addIssue({ code: "custom", path: [key], message }),
  )
);

Deno.test("ownOptions tells of each option which metrics take it, and its default", () => {
  const described = optionsOf(schema).map(({ flag, allowed, description }) => [flag, allowed, description]).slice(1);
  assertEquals(described, [
    ["--neighbours", "integer ≥ 1", "With sharp, bright: Neighbours. Default: 3"],
    ["--blur", "true or false", "With sharp: Blur first"],
  ]);
});

Deno.test("a metric gets its own options alone, with their defaults", () => {
  const given = parse(["--metric", "sharp,bright", "--blur"], schema);
  assertEquals(optionsFor(sharp, given), { neighbours: 3, blur: true });
  assertEquals(optionsFor(bright, given), { neighbours: 3 });
});

Deno.test("an option of a metric that is not asked for is refused, and says whose it is", () => {
  assertThrows(
    () => parse(["--metric", "bright", "--blur"], schema),
    UsageError,
    "--blur must be left out with --metric bright (it belongs to sharp)",
  );
});
