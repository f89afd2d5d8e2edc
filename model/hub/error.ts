/** A model hub that cannot be reached, refuses, or holds what this project does not run. Its message is one line. */
export class HubError extends Error {
  override name = "HubError";
}

/** The connection failed or fell silent: trying again may help. */
export class ConnectionError extends HubError {}
