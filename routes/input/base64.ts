/** The bytes that base64 or a `data:` URL of it stands for; null if the text is neither. */
export const decodeBase64 = (text: string): Uint8Array<ArrayBuffer> | null => {
  const base64 = text.replace(/^data:[^,]*;base64,/i, "");
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    return null;
  }
};
