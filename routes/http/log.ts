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
  /** Lines that could not be written. */
  dropped(): number;
}

/** What happened as a line, without its end. */
export const formatLine = (level: LogLevel, message: string, fields: LogFields = {}): string =>
  JSON.stringify({ time: new Date().toISOString(), level, message, ...fields });

/**
 * Makes a log.
 *
 * @param write gets each line, without its end; it must not wait for whoever reads them
 * @param dropped lines that it has left out
 */
export const createLog = (
  level: LogLevel,
  write: (line: string) => void = () => {},
  dropped: () => number = () => 0,
): Log => {
  const at = (own: Exclude<LogLevel, "off">) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(own)) return () => {};
    return (message: string, fields?: LogFields) => write(formatLine(own, message, fields));
  };
  return { error: at("error"), info: at("info"), dropped };
};
