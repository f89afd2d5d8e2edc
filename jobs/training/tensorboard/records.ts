import { createCRC32 } from "hash-wasm";

/** Castagnoli's polynomial, its bits reversed: CRC-32C. */
const CASTAGNOLI = 0x82f63b78;

/** Makes the function that frames a record as TFRecord files have it: length, its CRC-32C, data, its CRC-32C. */
export const createRecordFrame = async (): Promise<(data: Uint8Array) => Uint8Array<ArrayBuffer>> => {
  const crc = await createCRC32(CASTAGNOLI);
  // Rotated and shifted, since a CRC over data that holds CRCs of its own says little.
  const masked = (bytes: Uint8Array): number => {
    const sum = Number.parseInt(crc.init().update(bytes).digest("hex"), 16);
    return ((sum >>> 15 | sum << 17) + 0xa282ead8) >>> 0;
  };
  return (data) => {
    const record = new Uint8Array(data.length + 16), view = new DataView(record.buffer);
    view.setBigUint64(0, BigInt(data.length), true);
    view.setUint32(8, masked(record.subarray(0, 8)), true);
    record.set(data, 12);
    view.setUint32(12 + data.length, masked(data), true);
    return record;
  };
};
