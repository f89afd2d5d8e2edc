import { createChance } from "../chance.ts";
import { compareRuns } from "./compare_runs.ts";
import { type Recipe, trainKilled, trainWhole } from "./kill_run.ts";
import type { Place } from "./where_killed.ts";

/** What came of many kills. */
export interface Measured {
  kills: number;
  /** Runs that were killed until they were done. */
  runs: number;
  /** Files compared between them and the uninterrupted run. */
  files: number;
  /** Kills by where they fell. */
  places: Partial<Record<Place, number>>;
  differences: string[];
  faults: string[];
}

/**
 * Trains once without interruption, then with SIGKILLs at random moments, run after run, until there were as many as
 * asked for; each of these runs, when it is done, is compared with the first.
 * Stops behind the first run that was not as it must be.
 *
 * @param folder an empty folder for the runs
 */
export const measureKills = async (
  folder: string,
  recipe: Recipe,
  { kills, seed, tell = () => {} }: { kills: number; seed: number; tell?: (sofar: Measured) => void },
): Promise<Measured> => {
  const chance = createChance(seed);
  const whole = `${folder}/whole`;
  const pace = await trainWhole(whole, recipe);
  const measured: Measured = { kills: 0, runs: 0, files: 0, places: {}, differences: [], faults: [] };
  while (measured.kills < kills && measured.faults.length + measured.differences.length === 0) {
    const run = `${folder}/killed-${++measured.runs}`;
    const { places, faults } = await trainKilled(run, recipe, { kills: kills - measured.kills, chance, pace });
    for (const place of places) measured.places[place] = (measured.places[place] ?? 0) + 1;
    const { files, differences } = compareRuns(whole, run);
    measured.kills += places.length;
    measured.files += files;
    measured.differences.push(...differences.map((path) => `${run}/${path}`));
    measured.faults.push(...faults);
    tell(measured);
  }
  return measured;
};
