import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";
import { compareRuns, unreadableCheckpoints } from "../../bench/kill/check_runs.ts";
import { executable, missing, run, testCommandLine } from "../commands/run_main.ts";
import { namesIn } from "./files_of.ts";

/** What stands in the way of a file system of one's own, or "" for nothing. */
const whyNoMount = async (): Promise<string> => {
  const { state } = await Deno.permissions.query({ name: "run", command: "unshare" });
  if (state !== "granted") return "needs --allow-run=unshare";
  const args = ["-rm", "sh", "-c", "mount -t tmpfs tmpfs tests"];
  const { success } = await new Deno.Command("unshare", { args, stdout: "null", stderr: "null" }).output();
  return success ? "" : "needs leave to mount in a namespace";
};

const TRAIN = [
  ...[...DENO_RUN, "--allow-read=.", "--allow-write=runs", "--allow-env=XDG_RUNTIME_DIR"],
  ...["main.ts", "train"],
];
const RECIPE = [
  ...["--preset", "tiny", "--batch", "4", "--warmup", "5", "--timesteps", "10", "--engine", "wasm"],
  ...["--checkpoint-every", "2", "--sample-every", "100"],
];

/**
 * Trains on a file system of its own that takes nothing more after the first checkpoint, keeps what that leaves, mends
 * it, and goes on by two steps.
 */
const SCRIPT = `
folder="$1" deno="$2" break="$3" mend="$4"; shift 4
disk="$folder/disk"; run="$disk/run"
mkdir "$disk" && mount -t tmpfs -o size=16m tmpfs "$disk" || exit 1
"$deno" "$@" --out "$run" --steps 100000 >"$folder/stdout" 2>"$folder/stderr" & pid=$!
while [ ! -e "$run/latest" ]; do kill -0 $pid || exit 2; sleep 0.02; done
eval "$break"
wait $pid; echo $? >"$folder/code"
"$deno" ${TRAIN.join(" ")} --resume "$run" >/dev/null 2>"$folder/again"; echo $? >>"$folder/code"
cp -r "$run" "$folder/left"
eval "$mend"
step=$(sed s/.*-// "$run/latest")
"$deno" ${TRAIN.join(" ")} --resume "$run" --steps $((step + 2)); echo $? >>"$folder/code"
cp -r "$run" "$folder/mended"
`;

const reason = missing || await whyNoMount();

for (
  const [what, breaks, mends, message] of [
    ["full disk", 'cat /dev/zero >"$disk/filler" 2>/dev/null', 'rm "$disk/filler"', "no space is left on the device"],
    [
      "folder that turns read-only",
      'mount --bind "$run" "$run"; mount -o remount,bind,ro "$run"',
      'umount "$run"',
      "the file system is read-only",
    ],
  ] as const
) {
  testCommandLine(`train: a ${what} ends it in one line, with a whole checkpoint to go on from`, async (folder) => {
    const args = ["-rm", "sh", "-c", SCRIPT, "sh", folder, executable!, breaks, mends, ...TRAIN, ...RECIPE];
    const { success, stderr } = await new Deno.Command("unshare", { args, stdout: "null", stderr: "piped" }).output();
    assertEquals([new TextDecoder().decode(stderr), success], ["", true]);
    const read = (name: string) => Deno.readTextFile(join(folder, name));

    const [code, again, mended] = (await read("code")).trim().split("\n").map(Number);
    assertEquals([code, mended], [1, 0]);
    const said = (await read("stderr")).trim();
    assertMatch(said, new RegExp(`^error: Cannot write ${folder}/disk/run/[^ ]*: ${message}`));
    assertEquals(said.split("\n").length, 1);
    const left = join(folder, "left");
    assertEquals(await unreadableCheckpoints(left), []);
    assertEquals(namesIn(join(left, "checkpoints")).filter((name) => name.startsWith(".")), []);
    // Where nothing can be written, no lock can be taken either.
    assertEquals(again, 1);
    assertMatch(await read("again"), new RegExp(`^error: Cannot write ${folder}/disk/run[^ ]*: ${message}\n$`));

    const step = (await read("mended/latest")).trim().split("-")[1];
    const whole = join(folder, "whole");
    assertEquals((await run("train", ...RECIPE, "--steps", step, "--out", whole)).code, 0);
    assertEquals(compareRuns(whole, join(folder, "mended")).differences, ["config.json"]);
  }, reason);
}
