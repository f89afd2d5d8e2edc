/** The command line asks for something it cannot have. Its message is one line that names the flag. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}
