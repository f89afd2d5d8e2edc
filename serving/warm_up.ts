import type { LoadedModel } from "./loaded_model.ts";

/**
 * What to do while there is nothing to do: the networks are compiled for the sizes of a call that were not needed yet, one
 * size at a time, the smaller ones first. Where a request needs a size before its turn, it is compiled then.
 *
 * @param options.compiles whether the engine compiles; nothing is done where it does not
 * @returns the function that does the next piece, and tells whether there was one
 */
export const warmUp = (
  models: readonly LoadedModel[],
  { capacity, compiles }: { capacity: number; compiles: boolean },
): () => boolean => {
  const sizesOf = ({ network }: LoadedModel): Set<number> =>
    new Set(Array.from({ length: capacity }, (_, i) => network.bucketOf(i + 1)));
  const pieces = (compiles ? models : [])
    .flatMap((model) => [...sizesOf(model)].map((rows) => ({ model, rows })))
    .filter(({ model, rows }) => rows > model.network.bucketOf(1))
    .sort((a, b) => a.rows - b.rows);

  return () => {
    const piece = pieces.shift();
    piece?.model.warm(Math.min(piece.rows, capacity));
    return piece !== undefined;
  };
};
