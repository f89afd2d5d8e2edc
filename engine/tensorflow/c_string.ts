const encoder = new TextEncoder();
const known = new Map<string, Uint8Array<ArrayBuffer>>();

/** A name as C takes it: UTF-8 and a zero. Names come from a small set (operations, attributes), so each is kept. */
export const cString = (name: string): Uint8Array<ArrayBuffer> => {
  let bytes = known.get(name);
  if (bytes === undefined) known.set(name, bytes = encoder.encode(`${name}\0`));
  return bytes;
};
