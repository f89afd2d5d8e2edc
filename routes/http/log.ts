/** How much is logged, each with what stands before it. */
export const LOG_LEVELS = ["off", "error", "info"] as const;

/** One of `LOG_LEVELS`. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What belongs to a line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes what happens, one JSON object a line. */
export interface Log {
  /** What nobody's request is to blame for. */
  error(message: string, fields?: LogFields): void;
  /** What happened as it should, or was refused. */
  info(message: string, fields?: LogFields): void;
}

/** Makes a log. `write` gets each line without its end; by default it goes to standard error. */
export const createLog = (
  level: LogLevel,
  write: (line: string) => void = (line) => console.error(line),
): Log => {
  const at = (own: Exclude<LogLevel, "off">) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(own)) return () => {};
    return (message: string, fields: LogFields = {}) =>
      write(JSON.stringify({ time: new Date().toISOString(), level: own, message, ...fields }));
  };
  return { error: at("error"), info: at("info") };
};
