/** A PNG as a `data:` URL, which every request that takes an image takes as one. */
export const pngUrl = (png: Uint8Array<ArrayBuffer>): string => `data:image/png;base64,${png.toBase64()}`;
