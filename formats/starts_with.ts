/** Whether bytes start with those of a text of Latin-1. */
export const startsWith = (bytes: Uint8Array, text: string): boolean =>
  bytes.length >= text.length && [...text].every((char, i) => bytes[i] === char.charCodeAt(0));
