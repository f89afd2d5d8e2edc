import { fromFileUrl, join } from "@std/path";
import { isGranted } from "../../../engine/permissions.ts";
import { freePort } from "../../free_port.ts";
import { reasonNotToWrite } from "../../model/temporary_folder.ts";

const RUNS = fromFileUrl(new URL("../../../runs/", import.meta.url));

/** Where all is granted, that says nothing. */
const isMissing = (path: string): boolean => {
  try {
    return path.startsWith("/") && !Deno.statSync(path).isFile;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
};

/** Debian keeps PostgreSQL's programs out of PATH; `deno task test` grants them by their paths. */
const program = (name: string): string | undefined => {
  const versions = Array.from({ length: 20 }, (_, i) => `/usr/lib/postgresql/${30 - i}/bin/${name}`);
  return [...versions, name].find((command) => isGranted({ name: "run", command }) && !isMissing(command));
};

const [initdb, postgres] = [program("initdb"), program("postgres")];
const isRoot = isGranted({ name: "sys", kind: "uid" }) && Deno.uid() === 0;

const reasons = [
  reasonNotToWrite,
  initdb && postgres ? "" : "needs PostgreSQL's initdb and postgres",
  // PostgreSQL refuses to run as root.
  isRoot && !isGranted({ name: "run", command: "setpriv" }) ? "needs setpriv" : "",
  isGranted({ name: "env", variable: "PGHOST" }) ? "" : "needs --allow-env=PG*",
];

/** What stands in the way of tests that need PostgreSQL, or "" for nothing. */
export const whyNoPostgres = reasons.find((reason) => reason !== "") ?? "";

const command = (path: string, args: string[]): [string, string[]] =>
  isRoot ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, ...args]] : [path, args];

/** A PostgreSQL of a test's own. */
export interface Postgres extends AsyncDisposable {
  readonly url: string;
  /** Ends it as a crash would, and starts it again after some milliseconds. */
  crash(away?: number): Promise<void>;
  /** Ends it as an operator would, whose clients are cut off, and starts it again. */
  restart(away?: number): Promise<void>;
}

/** Makes a cluster in a folder of its own below runs/ and starts it on a free port of this machine. */
export const startPostgres = async (): Promise<Postgres> => {
  await Deno.mkdir(RUNS, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: RUNS, prefix: "test-postgres-" });
  await Deno.chmod(folder, 0o777);
  const data = join(folder, "data");
  const [make, makeArgs] = command(initdb!, [
    ...["-D", data, "-U", "denoise", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
  ]);
  const made = await new Deno.Command(make, { args: makeArgs, stdout: "null", stderr: "piped" }).output();
  if (!made.success) throw new Error(new TextDecoder().decode(made.stderr));
  const port = freePort();
  const [run, runArgs] = command(postgres!, [
    ...["-D", data, "-c", "listen_addresses=127.0.0.1", "-c", `port=${port}`],
    ...["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "log_min_messages=panic"],
  ]);

  const start = async () => {
    const child = new Deno.Command(run, { args: runArgs, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    let hasEnded = false;
    child.status.then(() => hasEnded = true);
    // It listens before it answers, so a connection is no sign yet, but whoever asks tries again.
    while (true) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return child;
      } catch {
        if (hasEnded) return start();
        await new Promise((resume) => setTimeout(resume, 50));
      }
    }
  };
  let server = await start();
  const again = async (signal: Deno.Signal, away: number) => {
    server.kill(signal);
    await server.status;
    await new Promise((resume) => setTimeout(resume, away));
    server = await start();
  };
  return {
    url: `postgres://denoise@127.0.0.1:${port}/postgres`,
    crash: (away = 500) => again("SIGKILL", away),
    restart: (away = 500) => again("SIGINT", away),
    [Symbol.asyncDispose]: async () => {
      server.kill("SIGINT");
      await server.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
};
