import { assert, assertEquals, assertGreater } from "@std/assert";
import { join } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";
import { compareRuns, unreadableCheckpoints } from "../../bench/kill/check_runs.ts";
import { executable, missing, run, testCommandLine } from "../commands/run_main.ts";
import { namesIn } from "./files_of.ts";

/** Does it in a name space of its own, whose mounts end with it. */
const inNamespace = async (script: string, ...args: string[]): Promise<{ success: boolean; stderr: string }> => {
  const child = new Deno.Command("unshare", {
    args: ["-m", "sh", "-c", script, "sh", ...args],
    stdout: "null",
    stderr: "piped",
  });
  const { success, stderr } = await child.output();
  return { success, stderr: new TextDecoder().decode(stderr) };
};

/** A disk of its own in the file `image`. What programs write gets there when they insist, or in five minutes. */
const MOUNT = `
mount_image() { mkdir -p "$2" && mount -o loop,commit=300 "$1" "$2"; }
cut() { mount_image "$1" "$2" && cp -r "$2/run" "$3" && umount "$2"; }
`;

const whyNoDisk = async (): Promise<string> => {
  const { state } = await Deno.permissions.query({ name: "run", command: "unshare" });
  if (state !== "granted") return "needs --allow-run=unshare";
  await Deno.mkdir("runs", { recursive: true });
  const folder = await Deno.makeTempDir({ dir: "runs", prefix: "test-" });
  try {
    const make = 'truncate -s 16M "$1/image" && mkfs.ext4 -q "$1/image" && mount_image "$1/image" "$1/disk"';
    const { success } = await inNamespace(`${MOUNT}${make}`, folder);
    return success ? "" : "needs mkfs.ext4, and leave to mount a disk in a file";
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
};

const TRAIN = [
  ...[...DENO_RUN, "--allow-read=.", "--allow-write=runs", "--allow-env=XDG_RUNTIME_DIR"],
  ...["main.ts", "train"],
];
const RECIPE = [
  ...["--preset", "tiny", "--batch", "2", "--warmup", "5", "--timesteps", "4", "--engine", "wasm"],
  ...["--data", "mnist-test", "--checkpoint-every", "2", "--sample-every", "2", "--keep", "1"],
];

/** Trains, and each time another checkpoint is told of, keeps what the disk has, with how many had been told of. */
const SCRIPT = `${MOUNT}
folder="$1" deno="$2"; shift 2
truncate -s 48M "$folder/image" && mkfs.ext4 -q "$folder/image" && mount_image "$folder/image" "$folder/disk" || exit 1
: >"$folder/stdout"
"$deno" "$@" --out "$folder/disk/run" --steps 100000 >"$folder/stdout" 2>"$folder/stderr" & pid=$!
said() { grep -c '"event":"checkpoint"' "$folder/stdout"; }
for n in 1 2 3; do
  while [ "$(said)" -lt $n ]; do kill -0 $pid || exit 2; sleep 0.01; done
  kill -STOP $pid
  cp --sparse=always "$folder/image" "$folder/image-$n"; said >"$folder/said-$n"
  kill -CONT $pid
done
kill -KILL $pid; wait $pid
for n in 1 2 3; do cut "$folder/image-$n" "$folder/disk-$n" "$folder/cut-$n" || exit 3; done
`;

const reason = missing || await whyNoDisk();

testCommandLine("train: a power cut takes nothing of what was said to be written", async (folder) => {
  const { success, stderr } = await inNamespace(SCRIPT, folder, executable!, ...TRAIN, ...RECIPE);
  assertEquals(stderr.replace(/^Killed\n/, ""), "");
  assert(success);
  for (const n of [1, 2, 3]) {
    const cut = join(folder, `cut-${n}`);
    const said = 2 * Number(await Deno.readTextFile(join(folder, `said-${n}`)));
    const latest = Number((await Deno.readTextFile(join(cut, "latest"))).trim().split("-")[1]);
    assert(latest >= said, `${latest} of ${said}`);
    assertEquals(await unreadableCheckpoints(cut), []);
    const metrics = await Deno.readTextFile(join(cut, "metrics.jsonl"));
    assert(metrics.split("\n").length - 1 >= latest);
    assertGreater(namesIn(join(cut, "samples")).length, latest / 2 - 1);
  }

  const cut = join(folder, "cut-3"), whole = join(folder, "whole");
  const steps = `${Number((await Deno.readTextFile(join(cut, "latest"))).trim().split("-")[1]) + 2}`;
  assertEquals((await run("train", "--resume", cut, "--steps", steps)).code, 0);
  assertEquals((await run("train", ...RECIPE, "--steps", steps, "--out", whole)).code, 0);
  assertEquals(compareRuns(whole, cut).differences, ["config.json"]);
}, reason);
