/**
 * Prints, as a value of --allow-run, this Deno and those of the programs named that this machine has: Deno complains once
 * a test file about each that is missing.
 */
const folders = (Deno.env.get("PATH") ?? "").split(Deno.build.os === "windows" ? ";" : ":");

const isHere = (program: string): boolean =>
  folders.some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });

console.log([Deno.execPath(), ...Deno.args.filter(isHere)].join(","));
