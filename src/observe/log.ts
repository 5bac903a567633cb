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

/** What a log line is about; each is a room or a phase of the client. */
export type LogCategory =
  | "bootstrap"
  | "channel"
  | "circuit"
  | "config"
  | "directory"
  | "guard"
  | "proxy"
  | "state"
  | "stream";

/** Writes lines of one category. Values in `facts` are added to structured logs. */
export class Logger {
  readonly #library: LibraryLogger;

  constructor(category: LogCategory) {
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
  }

  err(message: string, facts?: Record<string, unknown>): void {
    this.#library.error(escape(message), facts);
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
