import { assertEquals, assertRejects } from "@std/assert";
import { RunError } from "../../training/errors.ts";
import { lockRun } from "../../training/lock.ts";
import { writingTest } from "../model/temporary_folder.ts";

writingTest("lockRun: the second is refused while the first is there, and gets it afterwards", async (folder) => {
  const first = await lockRun(folder);
  await assertRejects(
    () => lockRun(folder, { patience: 0 }),
    RunError,
    `Cannot train in ${folder}: another process does`,
  );
  first[Symbol.dispose]();
  (await lockRun(folder, { patience: 0 }))[Symbol.dispose]();
});

writingTest("lockRun: waits for a process that is about to end", async (folder) => {
  const order: string[] = [];
  const first = await lockRun(folder);
  const second = lockRun(folder).then((lock) => {
    order.push("second");
    return lock;
  });
  await new Promise((resume) => setTimeout(resume, 120));
  order.push("first ends");
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  assertEquals(order, ["first ends", "second"]);
});
