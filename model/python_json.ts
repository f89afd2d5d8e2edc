const TOKEN = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;

/**
 * Parses JSON as Python's `json` writes it: with Infinity, −Infinity and NaN, which JSON lacks, and which are read as
 * null. diffusers' solvers have one in their configurations (`lambda_min_clipped`).
 *
 * @throws {SyntaxError} if it is not JSON for any other reason
 */
export const parsePythonJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    const finite = text.replace(TOKEN, (token) => token.startsWith('"') ? token : "null");
    if (finite === text) throw error;
    return JSON.parse(finite);
  }
};
