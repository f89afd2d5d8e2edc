/** The columns of the terminal that a stream goes to; `otherwise` where it goes to none, or none says. */
export const terminalColumns = (stream: { isTerminal(): boolean }, otherwise = 80): number => {
  try {
    return stream.isTerminal() ? Deno.consoleSize().columns || otherwise : otherwise;
  } catch {
    return otherwise;
  }
};
