import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";
import { encodePng } from "../../formats/png.ts";
import { executable, testCommandLine } from "../commands/run_main.ts";
import { namesIn } from "../datasets/fixtures.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));

testCommandLine(
  "prepareInProcess prepares in a process that may do no more, once, and tells what went wrong",
  async (folder) => {
    Deno.mkdirSync(join(folder, "data", "cats"), { recursive: true });
    const bytes = encodePng({ data: new Uint8Array(5 * 6 * 3).fill(9, 40), height: 5, width: 6, channels: 3 });
    for (const name of ["a", "b"]) Deno.writeFileSync(join(folder, "data", "cats", `${name}.png`), bytes);
    Deno.writeTextFileSync(join(folder, "data", "cats", "c.png"), "no");
    const { code, stdout, stderr } = await new Deno.Command(executable!, {
      args: [
        ...[...DENO_RUN, "--config", join(root, "deno.json")],
        // It may not write: the process that prepares is given that.
        ...["--allow-read", `--allow-run=${executable}`],
        ...[join(root, "tests/jobs/prepare_data_program.ts"), "data/cats", "4"],
      ],
      cwd: folder,
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    const told = JSON.parse(new TextDecoder().decode(stdout));
    const [cache, ...others] = namesIn(join(folder, "data", ".prepared"));
    assertEquals(others, []);
    assertEquals(told.first, ["data/cats", join("data/.prepared", cache)]);
    assertEquals(told.second, told.first);
    assertEquals(told.unsized.includes("data/cats needs --size: a.png is 6×5"), true, told.unsized);
    assertEquals(told.aborted, "called off");
    assertEquals(told.events.map(({ event }: { event: string }) => event), ["skipped", "preparing", "prepared"]);
    assertEquals(told.heard, 3);
  },
);
