import { assert, assertEquals } from "@std/assert";
import { freeDisk, machineMemory } from "../../files/machine.ts";
import { isGranted } from "../../engine/permissions.ts";

const may = (kind: string) => isGranted({ name: "sys", kind: kind as "systemMemoryInfo" });

Deno.test("machineMemory and freeDisk say what there is, or that nothing is known where they may not ask", async () => {
  if (may("systemMemoryInfo")) assertEquals(machineMemory(), Deno.systemMemoryInfo().total);
  else assertEquals(machineMemory(), Infinity);
  // A folder that is not there yet has the room of the one above it.
  const free = await Promise.all(["runs", "runs/not/there"].map(freeDisk));
  if (may("statfs")) assert(free.every((bytes) => bytes > 0 && Number.isSafeInteger(bytes)), `${free}`);
  else assertEquals(free, [Infinity, Infinity]);
});
