import { assert, assertEquals } from "@std/assert";
import { createTimeSharing } from "../../serving/time_sharing.ts";

/** A lane of so many steps, of which each takes so much of the clock. */
const makeLanes =
  (clock: { time: number }, order: string[]) => (name: string, { steps, cost }: { steps: number; cost: number }) => {
    let left = steps;
    return {
      hasWork: () => left > 0,
      step: () => {
        left--;
        clock.time += cost;
        order.push(name);
      },
      refill: (steps: number) => {
        left = steps;
      },
    };
  };

const settle = async (isDone: () => boolean) => {
  while (!isDone()) await new Promise((resume) => setImmediate(resume));
};

Deno.test("turns: lanes with work have the thread for equal times, whatever their steps take", async () => {
  const clock = { time: 0 };
  const order: string[] = [];
  const lane = makeLanes(clock, order);
  const turns = createTimeSharing({ now: () => clock.time });
  const [slow, fast] = [lane("slow", { steps: 3, cost: 100 }), lane("fast", { steps: 40, cost: 10 })];
  turns.add(slow);
  turns.add(fast);
  turns.wake();
  await settle(() => !slow.hasWork() && !fast.hasWork());
  const before = (nth: number) =>
    order.slice(0, order.map((name, i) => name === "slow" ? i : -1).filter((i) => i >= 0)[nth]);
  assertEquals(before(1).filter((name) => name === "fast").length, 10);
  assertEquals(before(2).filter((name) => name === "fast").length, 20);
});

Deno.test("turns: a lane that had no work has no claim to the time it missed", async () => {
  const clock = { time: 0 };
  const order: string[] = [];
  const lane = makeLanes(clock, order);
  const turns = createTimeSharing({ now: () => clock.time });
  const [busy, late] = [lane("busy", { steps: 20, cost: 10 }), lane("late", { steps: 0, cost: 10 })];
  turns.add(busy);
  turns.add(late);
  turns.wake();
  await settle(() => order.length >= 10);
  late.refill(10);
  const from = order.length;
  await settle(() => !busy.hasWork() && !late.hasWork());
  const shared = order.slice(from, from + 10);
  assert(Math.abs(shared.filter((name) => name === "late").length - 5) <= 1, shared.join(" "));
});

Deno.test("turns: idle work is done between and after lanes' work, a piece at a time, and then no more", async () => {
  const order: string[] = [];
  let pieces = 2;
  const turns = createTimeSharing({ idle: () => pieces-- > 0 && order.push("idle") > 0 });
  const lane = makeLanes({ time: 0 }, order)("lane", { steps: 2, cost: 1 });
  turns.add(lane);
  turns.wake();
  await settle(() => pieces < 0);
  assertEquals(order, ["lane", "lane", "idle", "idle"]);
  lane.refill(1);
  turns.wake();
  await settle(() => !lane.hasWork());
  assertEquals(order.length, 5);
});

Deno.test("turns: what a step or idle work throws is told, and others go on; stop ends them all", async () => {
  const errors: unknown[] = [];
  const order: string[] = [];
  let bad = 1;
  let idle = 1;
  const turns = createTimeSharing({
    onError: (error) => errors.push(error),
    idle: () => {
      if (idle-- > 0) throw "idle";
      return false;
    },
  });
  turns.add({
    hasWork: () => bad > 0,
    step: () => {
      bad--;
      throw "step";
    },
  });
  const lane = makeLanes({ time: 0 }, order)("lane", { steps: 3, cost: 1 });
  turns.add(lane);
  turns.wake();
  await settle(() => !lane.hasWork() && errors.length === 2);
  assertEquals(errors, ["step", "idle"]);
  turns.stop();
  lane.refill(5);
  turns.wake();
  await new Promise((resume) => setTimeout(resume, 10));
  assertEquals(order.length, 3);
});
