import { images } from "./answer.ts";
import type { Contender } from "./contender.ts";

/** What an implementation in float32 may differ by, where ε is about 1. */
const TOLERANCE = 1e-3;

/**
 * Asks every contender for ε_θ of the same image, and keeps those that agree with the first. Says who does not.
 *
 * @param size values in an image
 * @returns them, with the largest difference of each
 */
export const agreeing = async (
  contenders: readonly Contender[],
  size: number,
): Promise<{ contender: Contender; difference: number }[]> => {
  const x = images(1, size, 2);
  const kept: { contender: Contender; difference: number }[] = [];
  let reference: readonly number[] | undefined;
  for (const contender of contenders) {
    try {
      const epsilon = await contender.evaluate(x, 500);
      reference ??= epsilon;
      const difference = epsilon.reduce((most, value, i) => Math.max(most, Math.abs(value - reference![i])), 0);
      // Written so that NaN fails.
      if (!(epsilon.length === reference.length && difference < TOLERANCE)) {
        throw new Error(`${contender.name}: its ε differs by ${difference} from that of ${contenders[0].name}`);
      }
      kept.push({ contender, difference });
    } catch (error) {
      console.error(`left out: ${(error as Error).message}`);
      await contender.close();
    }
  }
  return kept;
};
