import { assertEquals } from "@std/assert";
import { type EndedAttempt, outcomeOf } from "../../../jobs/queue/attempt.ts";
import { DIVERGED, TRY_AGAIN } from "../../../training/errors.ts";

const attempt = (some: Partial<EndedAttempt>): EndedAttempt => ({
  ...{ code: 0, stderr: "", isKilled: false, last: null, stoppedBy: null, failures: 0 },
  ...some,
});
const stopped = { event: "stopped", step: 3, resume: "" } as const;

Deno.test("outcomeOf: a process that is done, or that a person canceled, ends its job", () => {
  const done = { event: "done", step: 3, folder: "" } as const;
  assertEquals(outcomeOf(attempt({ last: done, stoppedBy: "person" })), { state: "succeeded", exitCode: 0 });
  assertEquals(outcomeOf(attempt({ last: stopped, stoppedBy: "person" })), { state: "canceled", exitCode: 0 });
  // Before it had come far enough to hear the request.
  assertEquals(outcomeOf(attempt({ code: 143, stoppedBy: "person" })), { state: "canceled", exitCode: 0 });
});

Deno.test("outcomeOf: a job whose worker ends, or whose lease ran out, waits for others and is not to blame", () => {
  assertEquals(outcomeOf(attempt({ last: stopped, stoppedBy: "worker", failures: 2 })), {
    ...{ state: "queued", after: 0, failures: 2 },
  });
  assertEquals(outcomeOf(attempt({ last: stopped })), { state: "queued", after: 1, failures: 0 });
  assertEquals(outcomeOf(attempt({ code: TRY_AGAIN, failures: 3 })), { state: "queued", after: 2, failures: 3 });
});

Deno.test("outcomeOf: a process that had to be killed ends a canceled job, which says so; a worker's goes on elsewhere", () => {
  const killed = { code: 137, isKilled: true };
  assertEquals(outcomeOf(attempt({ ...killed, stoppedBy: "person" })), {
    ...{ state: "canceled", exitCode: 137 },
    error: "it did not stop in time and was killed; it can go on from its last checkpoint",
  });
  assertEquals(outcomeOf(attempt({ ...killed, stoppedBy: "worker", failures: 3 })), {
    ...{ state: "queued", after: 0, failures: 3 },
  });
});

Deno.test("outcomeOf: a crash is tried again, later each time, and fails the job at the fourth in a row", () => {
  assertEquals([0, 1, 2].map((failures) => outcomeOf(attempt({ code: 137, failures }))), [
    { state: "queued", after: 1, failures: 1 },
    { state: "queued", after: 2, failures: 2 },
    { state: "queued", after: 4, failures: 3 },
  ]);
  assertEquals(outcomeOf(attempt({ code: 137, failures: 3 })), {
    ...{ state: "failed", exitCode: 137, error: "the training process ended with code 137" },
  });
});

Deno.test("outcomeOf: what would end the same again fails at once, with the best message there is", () => {
  const stderr = "a warning\nerror: the data has gone\n    at x\n";
  const last = { event: "error", message: "no such preset" } as const;
  assertEquals(outcomeOf(attempt({ code: 2, stderr })), {
    ...{ state: "failed", exitCode: 2, error: "error: the data has gone" },
  });
  assertEquals(outcomeOf(attempt({ code: DIVERGED, stderr, last })), {
    ...{ state: "failed", exitCode: DIVERGED, error: "no such preset" },
  });
});
