import { createHash } from "node:crypto";

/** Digest of what an evaluation depends on: 16 hexadecimal digits that differ where it does. */
export const keyOf = (dependencies: unknown): string =>
  createHash("sha256").update(JSON.stringify(dependencies)).digest("hex").slice(0, 16);
