import settings from "../../deno.json" with { type: "json" };

/** The program's name and version, as `--version` prints them. */
export const version = `${settings.name} ${settings.version}`;
