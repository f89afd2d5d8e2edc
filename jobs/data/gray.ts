/** Bytes moved at a time. */
const CHUNK = 3 * 2 ** 20;

/** Keeps one channel of three in a file of RGB images that are all gray; in place, since it only gets shorter. */
export const keepOneChannel = async (path: string): Promise<void> => {
  using from = await Deno.open(path);
  using to = await Deno.open(path, { write: true });
  const chunk = new Uint8Array(CHUNK);
  let length = 0;
  for (let filled = 0, ended = false; !ended;) {
    const read = await from.read(chunk.subarray(filled));
    ended = read === null;
    filled += read ?? 0;
    if (filled < CHUNK && !ended) continue;
    const gray = new Uint8Array(filled / 3);
    for (let i = 0; i < gray.length; i++) gray[i] = chunk[3 * i];
    for (let at = 0; at < gray.length;) at += await to.write(gray.subarray(at));
    length += gray.length;
    filled = 0;
  }
  await to.truncate(length);
};
