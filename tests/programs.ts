/**
 * The programs that tests and measurements may run. Run by itself it prints them, as a value of --allow-run, for the
 * names that are its arguments.
 */
const POSTGRES = "/usr/lib/postgresql";

const versions = (): string[] => {
  try {
    return [...Deno.readDirSync(POSTGRES)].map(({ name }) => name).sort((a, b) => Number(b) - Number(a));
  } catch {
    return [];
  }
};

const isFile = (path: string): boolean => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};

const folders = (Deno.env.get("PATH") ?? "").split(Deno.build.os === "windows" ? ";" : ":");

const find = (program: string): string[] => {
  if (folders.some((folder) => isFile(`${folder}/${program}`))) return [program];
  return versions().map((version) => `${POSTGRES}/${version}/bin/${program}`).filter(isFile).slice(0, 1);
};

/**
 * This Deno and those of the programs named that this machine has: Deno complains once a test file about each that is
 * missing. One that is outside PATH, as Debian keeps PostgreSQL's, goes by its path.
 */
export const findPrograms = (names: readonly string[]): string[] => [Deno.execPath(), ...names.flatMap(find)];

if (import.meta.main) console.log(findPrograms(Deno.args).join());
