/** An engine cannot start on this machine; the message says why, in one line. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}
