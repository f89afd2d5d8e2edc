/** A model on disk that is missing, damaged or of a kind this project does not run. Its message is one line. */
export class ModelError extends Error {
  override name = "ModelError";
}

/** Text out of a file, fit for a one-line message: no control characters, at most 80 others. */
export const quoteText = (text: string): string => {
  const start = Array.from(text.slice(0, 160));
  const short = start.length > 80 ? `${start.slice(0, 79).join("")}…` : start.join("");
  return short.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, " ");
};

/** A value out of a JSON file, fit for a one-line message. */
export const quoteValue = (value: unknown): string => {
  if (value === undefined) return "nothing";
  try {
    return quoteText(JSON.stringify(value));
  } catch {
    return "a value of too many levels";
  }
};
