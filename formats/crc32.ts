/** What a byte does to a checksum, for each byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >>> 1 ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/**
 * The checksum CRC-32 of bytes, as PNG and zip have it (RFC 1952, section 8): here and not of `node:zlib`, since formats
 * are read and written in browsers too.
 *
 * @param before the checksum of the bytes that come before these
 */
export const crc32 = (bytes: Uint8Array, before = 0): number => {
  let rest = ~before;
  for (let i = 0; i < bytes.length; i++) rest = rest >>> 8 ^ TABLE[(rest ^ bytes[i]) & 0xff];
  return ~rest >>> 0;
};
