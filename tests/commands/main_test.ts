import { assertEquals, assertStringIncludes } from "@std/assert";
import { run, testCommandLine } from "./cli.ts";

testCommandLine("main.ts with no command lists the commands and exits 2; --help exits 0", async () => {
  const bare = await run();
  assertEquals(bare.code, 2);
  for (const name of ["serve", "train", "sample"]) assertStringIncludes(bare.stdout, `\n  ${name}`);
  const asked = await run("--help");
  assertEquals([asked.code, asked.stdout], [0, bare.stdout]);
});

testCommandLine("main.ts suggests the nearest command in one line", async () => {
  const { code, stdout, stderr } = await run("sampel");
  assertEquals([code, stdout], [2, ""]);
  assertEquals(
    stderr,
    'error: unknown command "sampel"; did you mean sample? (commands: serve, train, sample, engine, pull)\n',
  );
});
