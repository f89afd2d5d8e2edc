import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { defineCommand } from "../../../commands/cli/command.ts";
import { commandHelp, programHelp } from "../../../commands/cli/help.ts";

const entry = { name: "paint", summary: "Paint a picture." };
const command = defineCommand({
  options: z.object({
    steps: z.int().min(1).max(9).default(4).describe(
      "Number of strokes, which is to say how often the brush is set down",
    ),
    brushWidth: z.number().gt(0).optional().describe("Width of the brush"),
    ink: z.enum(["red", "blue"]).default("red").describe("Ink"),
    frame: z.boolean().default(true).describe("Frame it"),
    sign: z.boolean().default(false).describe("Sign it"),
  }),
  short: { steps: "s" },
  examples: [{ line: "deno task paint -s 9", does: "Nine strokes." }],
});

Deno.test("commandHelp shows each option with its range, choices and default, wrapped to the width", () => {
  assertEquals(
    commandHelp(entry, command, 70),
    `Paint a picture.

Usage: deno task paint [options]

Options:
  -s, --steps N        Number of strokes, which is to say how often
                       the brush is set down [integer in [1, 9];
                       default 4]
      --brush-width N  Width of the brush [number > 0]
      --ink NAME       Ink [one of red, blue; default red]
      --[no-]frame     Frame it [default true]
      --sign           Sign it
  -h, --help           Print this help.

Examples:
  deno task paint -s 9
      Nine strokes.
`,
  );
});

Deno.test("commandHelp keeps to the width of the terminal", () => {
  for (const columns of [60, 80, 100]) {
    assert(
      commandHelp(entry, command, columns).split("\n").every((line) => line.length <= columns),
      `${columns} columns`,
    );
  }
});

Deno.test("programHelp lists the commands and how to ask further", () => {
  const text = programHelp([entry], 80);
  assertStringIncludes(text, "  paint  Paint a picture.");
  assertStringIncludes(text, "deno task <command> --help");
});
