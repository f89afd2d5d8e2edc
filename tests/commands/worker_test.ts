import { assertEquals, assertStringIncludes } from "@std/assert";
import { ended, startIn, testCommandLine } from "./run_main.ts";

const fails = async (env: Record<string, string>, permissions: string[] = ["--allow-env=DATABASE_URL"]) => {
  const { code, stderr } = await ended(startIn(env, permissions, "worker"));
  return { code, lines: stderr.trim().split("\n") };
};

testCommandLine(
  "worker: no database, or none of PostgreSQL, exits 2 with one line that shows no password",
  async () => {
    const none = await fails({ DATABASE_URL: "" });
    assertEquals([none.code, none.lines.length], [2, 1]);
    assertStringIncludes(none.lines[0], "error: DATABASE_URL must name the database");
    assertEquals(await fails({ DATABASE_URL: "mysql://me:secret@host/jobs" }), {
      code: 2,
      lines: ["error: DATABASE_URL must be postgres://user:password@host:port/database, received another kind"],
    });
    const unread = await fails({ DATABASE_URL: "postgres://host/jobs" }, []);
    assertEquals([unread.code, unread.lines.length], [2, 1]);
    assertStringIncludes(unread.lines[0], "--allow-env=DATABASE_URL");
  },
);
