/** Parts of an attention by the names that diffusers gave them before its version 0.17, and their names since. */
const PARTS: Readonly<Record<string, string>> = {
  query: "to_q",
  key: "to_k",
  value: "to_v",
  proj_attn: "to_out.0",
};

const OLD_NAME = /^(.*\.attentions\.\d+)\.(query|key|value|proj_attn)\.(weight|bias)$/;

/**
 * Gives the tensors of an old checkpoint the names of today, as diffusers does on loading; shapes did not change. A name
 * whose new one is there as well stays, so that it is refused as surplus.
 */
export const renameOldTensors = <T>(tensors: ReadonlyMap<string, T>): Map<string, T> =>
  new Map(
    Array.from(tensors, ([name, tensor]) => {
      const renamed = name.replace(OLD_NAME, (_, block, part, kind) => `${block}.${PARTS[part]}.${kind}`);
      return [tensors.has(renamed) ? name : renamed, tensor];
    }),
  );
