import type { LoadedModel } from "./loaded_model.ts";

/** What to do while there is nothing to do. */
export interface WarmUp {
  add(model: LoadedModel): void;
  /** Leaves a model out from now on. */
  remove(model: LoadedModel): void;
  /** Does the next piece, and tells whether there was one. */
  next(): boolean;
}

/**
 * The networks are compiled for the sizes of a call that were not needed yet, one size at a time, the smaller ones first.
 * Where a request needs a size before its turn, it is compiled then.
 *
 * @param options.compiles whether the engine compiles; nothing is done where it does not
 */
export const createWarmUp = ({ capacity, compiles }: { capacity: number; compiles: boolean }): WarmUp => {
  let pieces: { readonly model: LoadedModel; readonly rows: number }[] = [];

  const piecesOf = (model: LoadedModel) => {
    const sizes = new Set(Array.from({ length: capacity }, (_, i) => model.network.bucketOf(i + 1)));
    return [...sizes].filter((rows) => rows > model.network.bucketOf(1)).map((rows) => ({ model, rows }));
  };

  return {
    add: (model) => {
      if (compiles) pieces = [...pieces, ...piecesOf(model)].sort((a, b) => a.rows - b.rows);
    },
    remove: (model) => {
      pieces = pieces.filter((piece) => piece.model !== model);
    },
    next: () => {
      const piece = pieces.shift();
      piece?.model.warm(Math.min(piece.rows, capacity));
      return piece !== undefined;
    },
  };
};
