/**
 * Log categories and levels. C tor's five levels are used and shown; the logging library's names
 * for them stay in this file.
 *
 * @module
 */
import { getLogger, type Logger as LibraryLogger } from "@logtape/logtape";

/** C tor's levels, from the most talkative. */
export const LOG_LEVELS = ["debug", "info", "notice", "warn", "err"] as const;

/** One of C tor's five log levels. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What log lines are about; each is a room or a phase of the client. */
export const LOG_CATEGORIES = [
  "bootstrap",
  "channel",
  "circuit",
  "config",
  "directory",
  "guard",
  "monitor",
  "proxy",
  "state",
  "stream",
] as const;

/** What a log line is about. */
export type LogCategory = typeof LOG_CATEGORIES[number];

/** Told of a line of level warn or err. */
export type WarningWatcher = (level: "warn" | "err", category: LogCategory, text: string) => void;

const watchers = new Set<WarningWatcher>();

/**
 * Calls `watcher` with each line of level warn and err of this process, wherever lines are written
 * to, until the function that is given back is called.
 */
export function watchWarnings(watcher: WarningWatcher): () => void {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

/** Writes lines of one category. Values in `facts` are added to structured logs. */
export class Logger {
  readonly #category: LogCategory;
  readonly #library: LibraryLogger;

  constructor(category: LogCategory) {
    this.#category = category;
    this.#library = getLogger(["chive", category]);
  }

  debug(message: string, facts?: Record<string, unknown>): void {
    this.#library.trace(escape(message), facts);
  }

  info(message: string, facts?: Record<string, unknown>): void {
    this.#library.debug(escape(message), facts);
  }

  notice(message: string, facts?: Record<string, unknown>): void {
    this.#library.info(escape(message), facts);
  }

  warn(message: string, facts?: Record<string, unknown>): void {
    this.#library.warn(escape(message), facts);
    this.#tell("warn", message);
  }

  err(message: string, facts?: Record<string, unknown>): void {
    this.#library.error(escape(message), facts);
    this.#tell("err", message);
  }

  #tell(level: "warn" | "err", message: string): void {
    for (const watcher of [...watchers]) watcher(level, this.#category, message);
  }
}

/** The library fills `{name}` from the facts; a message is finished text, so braces are doubled. */
function escape(message: string): string {
  return message.includes("{") || message.includes("}")
    ? message.replaceAll("{", "{{").replaceAll("}", "}}")
    : message;
}

let scrubbing = true;

/** Turns redaction of addresses and destinations in log lines on (the default) or off. */
export function setSafeLogging(on: boolean): void {
  scrubbing = on;
}

/** What to write in a log for an address or a destination: itself only if SafeLogging is off. */
export function scrub(sensitive: string): string {
  return scrubbing ? "[scrubbed]" : sensitive;
}
