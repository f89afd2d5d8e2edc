import { fromFileUrl } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));

const granted = async (command: string): Promise<boolean> =>
  (await Deno.permissions.query({ name: "run", command })).state === "granted";

/** The deno that tests may run; `null` where there is none. */
export const executable = await granted(Deno.execPath()) ? Deno.execPath() : await granted("deno") ? "deno" : null;

const writable = (await Deno.permissions.query({ name: "write", path: `${root}runs` })).state === "granted";

/** What stands in the way of tests that run the command line, or "" for nothing. */
export const missing = executable && writable ? "" : "needs --allow-run=deno --allow-write=runs";

/** Starts `main.ts` with these permissions, and these environment variables beside those of this process. */
export const startIn = (
  env: Record<string, string>,
  permissions: readonly string[],
  ...args: string[]
): Deno.ChildProcess =>
  new Deno.Command(executable!, {
    args: [...DENO_RUN, ...permissions, "main.ts", ...args],
    cwd: root,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

/** Starts `main.ts` with these permissions. */
export const startWith = (permissions: readonly string[], ...args: string[]): Deno.ChildProcess =>
  startIn({}, permissions, ...args);

/** Starts `main.ts` as a person would, with the permissions of `deno task sample`; writing is granted below runs/. */
export const start = (...args: string[]): Deno.ChildProcess =>
  startWith(["--allow-read=.", "--allow-write=runs", "--allow-env=XDG_RUNTIME_DIR"], ...args);

/** What a process that ran to its end left: its exit code and what it wrote. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Waits for the end of a process. */
export const ended = async (child: Deno.ChildProcess): Promise<Ended> => {
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
};

/** Runs `main.ts` to its end. */
export const run = (...args: string[]): Promise<Ended> => ended(start(...args));

/** Registers a test that runs the command line in a folder of its own, or skips it and says why. */
export const testCommandLine = (name: string, test: (folder: string) => Promise<void>, reason = missing): void =>
  Deno.test({
    name: reason === "" ? name : `${name} (${reason})`,
    ignore: reason !== "",
    fn: async () => {
      Deno.mkdirSync(`${root}runs`, { recursive: true });
      const folder = Deno.makeTempDirSync({ dir: `${root}runs`, prefix: "test-" });
      try {
        await test(folder);
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  });
