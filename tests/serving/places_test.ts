import { assert, assertEquals, assertThrows } from "@std/assert";
import { createPlaces, LEAST_ROWS, type Place } from "../../serving/places.ts";
import { QueueFullError } from "../../serving/serving.ts";
import { createChance } from "../sampling/random_request.ts";

const refusedWith = (ask: () => unknown): number => assertThrows(ask, QueueFullError).retryAfter;

/** Places in a queue, with a clock that stands still. */
const open = (limit: number) => {
  const clock = { time: 0 };
  const places = createPlaces(limit, { now: () => clock.time });
  const ask = (client: string, work: number, { images = 1, deadline }: { images?: number; deadline?: number } = {}) =>
    places.admit({ client, images, work, deadline });
  return { places, clock, ask };
};

Deno.test("createPlaces: one client may have a half, and leaves the rest to others", () => {
  const { places, ask } = open(100_000);
  for (let i = 0; i < 5; i++) ask("a", 10_000);
  assertThrows(() => ask("a", 10_000), QueueFullError, "has 50000 rows of work under way and may have 50000");
  // A third of what the first leaves free, a quarter of what both do.
  ask("b", 16_666);
  assertThrows(() => ask("b", 250), QueueFullError, "may have 16666, beside 1 other");
  ask("c", 8333);
  assertThrows(() => ask("c", 250), QueueFullError, "may have 8333, beside 2 other");
  assertEquals([places.left, places.clients], [50_000 + 16_666 + 8333, 3]);
});

Deno.test("createPlaces: whatever comes and goes, all fits, and a newcomer has its guaranteed part", () => {
  const { integer, number, pick } = createChance(7);
  const limit = 1e6;
  const { places, ask } = open(limit);
  const taken: { client: string; place: Place; least: number }[] = [];
  let refused = 0;
  for (let i = 0; i < 20_000; i++) {
    const client = `${integer(1, pick([2, 10, 40]))}`;
    const images = integer(1, 64);
    try {
      taken.push({ client, least: images * LEAST_ROWS, place: ask(client, images * integer(1, 1000), { images }) });
    } catch (error) {
      assert(error instanceof QueueFullError);
      refused++;
    }
    for (const { place } of taken) if (number() < 0.2) place.left *= number();
    if (taken.length > 0 && number() < 0.3) taken.splice(integer(0, taken.length - 1), 1)[0].place.free();
    assert(taken.reduce((sum, { place, least }) => sum + Math.max(place.left, least), 0) <= limit);
    const clients = places.clients;
    const guaranteed = Math.floor(limit / ((clients + 1) * (clients + 2)));
    if (guaranteed >= LEAST_ROWS) ask("a newcomer", guaranteed).free();
  }
  assert(refused > 1000 && refused < 19_000, `${refused}`);
});

Deno.test("createPlaces: an image of few steps takes a place for its memory", () => {
  const { ask } = open(100 * LEAST_ROWS);
  ask("a", 50, { images: 50 });
  assertThrows(() => ask("a", 1), QueueFullError);
});

Deno.test("createPlaces: a place becomes free as its work is done, and by its end", () => {
  const { ask } = open(40_000);
  const [first, second] = [ask("a", 10_000), ask("a", 10_000)];
  assertThrows(() => ask("a", 5000), QueueFullError);
  first.left = 5000;
  const third = ask("a", 5000);
  assertThrows(() => ask("a", 5000), QueueFullError);
  second.free();
  second.free();
  ask("a", 10_000);
  assertThrows(() => ask("a", 250), QueueFullError);
  third.free();
  ask("a", 5000);
});

/** Does the work of all places at a fixed rate, clients sharing it equally, until a time. */
const simulate = (
  { places, clock }: Pick<ReturnType<typeof open>, "places" | "clock">,
  taken: Map<Place, { client: string; ends: number }>,
  { rate, until }: { rate: number; until: number },
) => {
  const rows = rate / 10;
  while (clock.time < until) {
    clock.time += 100;
    for (const [place, { ends }] of taken) if (ends <= clock.time) (place.free(), taken.delete(place));
    const clients = new Set(Array.from(taken.values(), ({ client }) => client));
    for (const name of clients) {
      let share = rows / clients.size;
      for (const [place, { client }] of taken) {
        if (client !== name) continue;
        const done = Math.min(share, place.left);
        place.left -= done;
        share -= done;
        if (place.left > 0) break;
        place.free();
        taken.delete(place);
      }
    }
    places.record(rows, 0.1);
  }
};

Deno.test("createPlaces: who comes again when it was told to gets in, and not in half the time", () => {
  const { integer, pick } = createChance(3);
  let waits = 0, early = 0, late = 0;
  for (let round = 0; round < 60; round++) {
    const opened = open(100_000);
    const { ask, clock } = opened;
    const taken = new Map<Place, { client: string; ends: number }>();
    const rate = pick([200, 1000, 5000]);
    const tryToAsk = (client: string, work: number, deadline = Infinity): number => {
      try {
        taken.set(ask(client, work, { deadline }), { client, ends: clock.time + deadline });
        return 0;
      } catch (error) {
        return (error as QueueFullError).retryAfter;
      }
    };
    const work = pick([250, 5000, 20_000]);
    const isThere = pick([true, false]);
    if (isThere) tryToAsk("prober", 20_000);
    tryToAsk("first", 1000);
    simulate(opened, taken, { rate, until: 1000 });
    for (let i = 0; i < 60; i++) {
      tryToAsk(`${integer(1, pick([1, 3, 12]))}`, integer(250, 20_000), pick([Infinity, Infinity, 20_000]));
    }
    const told = tryToAsk("prober", work);
    if (told === 0) continue;
    waits++;
    const now = clock.time;
    simulate(opened, taken, { rate, until: now + 500 * told });
    if (told > 1 && tryToAsk("prober", work) === 0) {
      early++;
      continue;
    }
    simulate(opened, taken, { rate, until: now + told * 1000 });
    if (tryToAsk("prober", work) !== 0) late++;
  }
  assert(waits >= 30, `${waits}`);
  assert(late <= 0.1 * waits, `${late} of ${waits} were told too little`);
  assert(early <= 0.2 * waits, `${early} of ${waits} were told too much`);
});

Deno.test("createPlaces: of many that are told to come again, each is told when the others before it are in", () => {
  const opened = open(20_000);
  const { ask, clock, places } = opened;
  const taken = new Map<Place, { client: string; ends: number }>();
  const enter = (client: string) => taken.set(ask(client, 2500), { client, ends: Infinity });
  for (let i = 0; i < 100; i++) places.record(100, 0.1);
  for (let i = 0; i < 4; i++) enter("a");
  const told = Array.from({ length: 20 }, () => refusedWith(() => ask("a", 2500)));
  // 2,500 rows take 2.5 s.
  assertEquals(told.map((seconds, i) => Math.abs(seconds - 2.5 * (i + 1)) <= 1), Array(20).fill(true), `${told}`);
  for (const seconds of told) {
    simulate(opened, taken, { rate: 1000, until: seconds * 1000 });
    enter("a");
  }
  assert(clock.time <= 52_000);
});

Deno.test("createPlaces: without a call to go by, and where it would take hours, Retry-After has its bounds", () => {
  const { places, ask, clock } = open(1e12);
  ask("a", 5e11);
  assertEquals(refusedWith(() => ask("a", 1000)), 5);
  places.record(16, 0.1);
  assertEquals(refusedWith(() => ask("a", 1e11)), 3600);
  // A long pause, or the turns of other models, count as long as there is something to do.
  clock.time += 1e6;
  places.record(16, 0.1);
  assertEquals(refusedWith(() => ask("a", 1e6)), 3600);
});
