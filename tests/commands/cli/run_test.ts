import { assertEquals, assertMatch } from "@std/assert";
import { UsageError } from "../../../commands/cli/command.ts";
import { failureOf } from "../../../commands/cli/run.ts";
import { NonFiniteImageError } from "../../../sampling/errors.ts";

Deno.test("failureOf answers 2 and the message alone for what the person can mend", () => {
  const modelError = Object.assign(new Error("Cannot read models/x:\n  no such file"), { name: "ModelError" });
  assertEquals(failureOf(new UsageError("--n must be …")), { code: 2, message: "--n must be …" });
  assertEquals(failureOf(modelError), { code: 2, message: "Cannot read models/x: no such file" });
  assertEquals(failureOf(new Deno.errors.NotFound("No such file: a.npy")), { code: 2, message: "No such file: a.npy" });
});

Deno.test("failureOf says which permission is lacking and how to grant it", async () => {
  const denied = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return failureOf(error);
    }
  };
  const place = Deno.build.os === "windows" ? "C:\\nowhere\\x.npy" : "/nowhere/x.npy";
  assertEquals(denied(() => Deno.readTextFileSync(place)), {
    code: 2,
    message: `no permission: read access to "${place}" is not granted to this task; ` +
      `run deno run … --allow-read=${place} main.ts … to grant it`,
  });
  const { state } = await Deno.permissions.query({ name: "sys", kind: "osRelease" });
  if (state !== "granted") {
    assertMatch(denied(() => Deno.osRelease())!.message, /sys access to .*osRelease.* --allow-sys=?.* to grant it/);
  }
});

Deno.test("failureOf answers 1 and the message alone for images that come out as no images", () => {
  assertEquals(failureOf(new NonFiniteImageError("image 0\ncannot be drawn")), {
    code: 1,
    message: "image 0 cannot be drawn",
  });
});

Deno.test("failureOf answers 1 and the stack for a fault of the program", () => {
  const { code, message } = failureOf(new TypeError("x is undefined"));
  assertEquals(code, 1);
  assertMatch(message, /^unexpected: TypeError: x is undefined\n\s+at .*run_test\.ts/);
  assertEquals(failureOf("thrown text"), { code: 1, message: "unexpected: thrown text" });
});
