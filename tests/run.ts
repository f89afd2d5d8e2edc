/**
 * `deno task test`: runs all tests but the browser's, or those of the paths among its arguments; what begins with - is an
 * option of `deno test`. Files run side by side, one a core (DENO_JOBS=n: n of them), as threads of one process. Those
 * that stand no company follow, one after another.
 */
import { findPrograms } from "./programs.ts";

/** The files that stand no company, and why. Every other one may share the process, and the machine, with any. */
const ALONE = [
  // They set or compare variables of the environment, of which the process has one.
  "tests/engine/tensorflow/find_library_test.ts",
  "tests/engine/webgpu/adapter_test.ts",
  // They measure by how much the process grows.
  "tests/engine/onnx/sessions_test.ts",
  "tests/engine/tensorflow/handles_test.ts",
  // It times one function against another.
  "tests/engine/keep_faster_test.ts",
  // They hold leases of a few seconds, which processes that start slowly would let run out.
  "tests/jobs/lease_test.ts",
  "tests/jobs/queue/chaos_test.ts",
  // It kills processes at moments that it has learned from one that it let live, in equal company.
  "tests/training/kill_test.ts",
  // It counts what all servers that run here keep in runs/.served.
  "tests/routes/models_test.ts",
];

const PERMISSIONS = [
  "--allow-read=.",
  "--allow-write=runs",
  "--allow-net=127.0.0.1,127.0.0.2,127.0.0.3",
  "--allow-sys=hostname,statfs,systemMemoryInfo,uid",
  "--allow-ffi=.tensorflow,node_modules,runs",
  `--allow-env=${[
    ...["PG*", "CI", "CHROMIUM_PATH", "DENOISE_TEST_ENGINES", "DENOISE_TENSORFLOW", "XDG_RUNTIME_DIR"],
    ...["ORT_DISABLE_TELEMETRY", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS"],
  ]}`,
  `--allow-run=${
    findPrograms([
      ...["deno", "python3", "node", "chromium", "cc", "ln", "unshare", "script"],
      ...["initdb", "postgres", "prlimit", "setpriv"],
    ])
  }`,
];

const isPath = (word: string, i: number, words: readonly string[]): boolean =>
  !word.startsWith("-") && words[i - 1] !== "--filter";

const options = Deno.args.filter((...word) => !isPath(...word));
const paths = Deno.args.filter(isPath).map((path) => path.replace(`${Deno.cwd()}/`, "").replace(/^\.\/|\/$/g, ""));
const others = paths.filter((path) => !ALONE.includes(path));
const alone = ALONE.filter((file) => paths.length === 0 || paths.some((path) => `${file}/`.startsWith(`${path}/`)));

const runs: Record<string, string[]> = {};
if (paths.length === 0 || others.length > 0) {
  runs["side by side"] = ["--parallel", "--doc", `--ignore=${["tests/browser", ...ALONE]}`, ...others];
}
if (alone.length > 0) runs["one after another"] = alone;

const failed: string[] = [];
for (const [way, args] of Object.entries(runs)) {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-prompt", ...PERMISSIONS, ...options, ...args],
  });
  if (!(await command.spawn().status).success) failed.push(way);
}
// The last summary is of the last run alone.
if (Object.keys(runs).length > 1 && failed.length > 0) console.error(`FAILED: tests that run ${failed.join(", and ")}`);
Deno.exit(failed.length > 0 ? 1 : 0);
