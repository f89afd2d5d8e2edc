import { fromFileUrl } from "@std/path";
import { DENO_RUN } from "../../deno_run.ts";

const program = fromFileUrl(new URL("./worker_program.ts", import.meta.url));

/** A worker in a process of its own, which can be treated badly. */
export interface ChaosWorker {
  /** Its process, as its name has it. */
  readonly pid: number;
  /** Kills it; one of the same kind is started after some milliseconds. */
  crash(away?: number): Promise<void>;
  /** Kills it for good. */
  kill(): Promise<void>;
  /** Kills one of its training processes. */
  killChild(): Promise<void>;
  /** Stops it for some milliseconds, as a machine that hangs would. */
  freeze(milliseconds: number): Promise<void>;
  /** Ends it gracefully; answers its exit code. */
  end(): Promise<number>;
}

const pause = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));

/** Starts a worker of `worker_program.ts`, whose jobs run `trainer`. */
export const startChaosWorker = (url: string, runs: string, concurrency: number, trainer?: string): ChaosWorker => {
  const spawn = () =>
    new Deno.Command(Deno.execPath(), {
      args: [
        ...[...DENO_RUN, "--allow-read=.", "--allow-write=runs", "--allow-net=127.0.0.1"],
        ...["--allow-sys=hostname,systemMemoryInfo", "--allow-env=PG*,XDG_RUNTIME_DIR,DENOISE_TENSORFLOW"],
        ...[`--allow-run=${Deno.execPath()}`, program, url, runs, String(concurrency), ...(trainer ? [trainer] : [])],
      ],
      stdin: "piped",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
  let child = spawn();
  const kill = async () => {
    child.kill("SIGKILL");
    await child.status;
    await child.stdin.close().catch(() => {});
  };
  return {
    get pid() {
      return child.pid;
    },
    kill,
    crash: async (away = 500) => {
      await kill();
      await pause(away);
      child = spawn();
    },
    killChild: async () => {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("kill\n")).catch(() => {});
      writer.releaseLock();
    },
    freeze: async (milliseconds) => {
      child.kill("SIGSTOP");
      await pause(milliseconds);
      child.kill("SIGCONT");
    },
    end: async () => {
      try {
        child.kill("SIGTERM");
      } catch {
        // It has been killed.
      }
      const { code } = await child.status;
      await child.stdin.close().catch(() => {});
      return code;
    },
  };
};
