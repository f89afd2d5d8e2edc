import type { Command, CommandEntry, CommandGroup } from "./command.ts";
import { type CommandOption, optionsOf } from "./options.ts";
import { terminalColumns } from "./terminal.ts";

const MOST_COLUMNS = 100;

const wrap = (text: string, width: number): string[] => {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.length - 1;
    if (lines[last] === "") lines[last] = word;
    else if (lines[last].length + 1 + word.length <= width) lines[last] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
};

const PLACEHOLDERS = { number: " N", string: " TEXT", union: " VALUE", list: " LIST", boolean: "" } as const;

const left = ({ flag, short, type, allowed, default: value }: CommandOption): string => {
  const shown = type === "boolean" && value === true ? `--[no-]${flag.slice(2)}` : flag;
  const placeholder = allowed.startsWith("one of ") ? " NAME" : PLACEHOLDERS[type];
  return `  ${short ? `-${short}, ` : "    "}${shown}${placeholder}`;
};

const right = ({ description, type, allowed, default: value }: CommandOption): string => {
  const limits = type === "boolean" || allowed === "text" ? "" : allowed;
  const isNothing = value === undefined || value === null || value === false ||
    (Array.isArray(value) && value.length === 0);
  const preset = isNothing ? "" : `default ${value}`;
  const notes = [limits, preset].filter((note) => note !== "").join("; ");
  return notes === "" ? description : `${description} [${notes}]`;
};

const helpColumns = (): number => Math.min(MOST_COLUMNS, terminalColumns(Deno.stdout, MOST_COLUMNS));

/** Two columns, the right one wrapped to `columns`. */
const table = (rows: readonly (readonly [string, string])[], columns: number): string => {
  const indent = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, text]) =>
    wrap(text, Math.max(24, columns - indent))
      .map((line, i) => (i === 0 ? name : "").padEnd(indent) + line).join("\n")
  ).join("\n");
};

/** The `--help` text of one command, written from its schema. */
export const commandHelp = (
  { name, summary }: Pick<CommandEntry, "name" | "summary">,
  { options, short, positionals = [], examples = [] }: Command,
  columns = helpColumns(),
): string => {
  const rows = optionsOf(options, short as Record<string, string>).map((option) =>
    [left(option), right(option)] as const
  );
  const sections = [
    summary,
    `Usage: ${["deno task", name, ...positionals.map((key) => key.toUpperCase()), "[options]"].join(" ")}`,
    `Options:\n${table([...rows, ["  -h, --help", "Print this help."]], columns)}`,
  ];
  if (examples.length > 0) {
    sections.push(`Examples:\n${examples.map(({ line, does }) => `  ${line}\n      ${does}`).join("\n")}`);
  }
  return `${sections.join("\n\n")}\n`;
};

type Named = Pick<CommandEntry, "name" | "summary">;

const namesTable = (rows: readonly Named[], columns: number): string =>
  table(rows.map(({ name, summary }) => [`  ${name}`, summary] as const), columns);

/** The text that the program prints when it is called with no command. */
export const programHelp = (commands: readonly Named[], columns = helpColumns()): string =>
  [
    "Train, serve and study denoising diffusion models.",
    "Usage: deno task <command> [options]",
    `Commands:\n${namesTable(commands, columns)}`,
    "deno task <command> --help prints a command's options; deno run main.ts --version, the version.",
  ].join("\n\n") + "\n";

/** The text of a group of commands, as `figure --help` prints it. */
export const groupHelp = ({ name, summary, entries }: CommandGroup, columns = helpColumns()): string =>
  [
    summary,
    `Usage: deno task ${name} <kind> [options]`,
    `Kinds:\n${namesTable(entries.map((entry) => ({ ...entry, name: entry.name.slice(name.length + 1) })), columns)}`,
    `deno task ${name} <kind> --help prints a kind's options.`,
  ].join("\n\n") + "\n";
