/**
 * How log lines look. As text they are C tor's, with milliseconds:
 * `Nov 23 19:00:00.000 [notice] message`, in local time; or one JSON object for each line.
 *
 * @module
 */
import type { LogLevel } from "./log.ts";

/** What one line says. */
export interface LogEntry {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly time: number;
  readonly level: LogLevel;
  readonly category: string;
  readonly message: string;
  /** More about it, for machines. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** `text`, or one JSON object for each line. */
export type LogFormat = "text" | "json";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * One line of text with its newline, in local time. Control characters in the message, which could
 * forge a line or command a terminal, are written as `\xNN`.
 *
 * @param withCategory whether it says what it is about (C tor: LogMessageDomains)
 */
export function formatTextLine(entry: LogEntry, withCategory = false): string {
  const { time, level, category, message } = entry;
  const about = withCategory ? `{${category}} ` : "";
  return `${localTime(time)} [${level}] ${about}${printable(message)}\n`;
}

function localTime(time: number): string {
  const date = new Date(time);
  const month = MONTHS[date.getMonth()];
  const day = two(date.getDate());
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const fraction = String(date.getMilliseconds()).padStart(3, "0");
  return `${month} ${day} ${clock}.${fraction}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function printable(message: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return message.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/**
 * One line of JSON with its newline:
 *
 * | name       | value                                               |
 * | ---------- | --------------------------------------------------- |
 * | `time`     | ISO 8601 with milliseconds, in UTC                   |
 * | `level`    | debug, info, notice, warn or err                     |
 * | `category` | what it is about                                     |
 * | `message`  | the text                                             |
 * | `facts`    | an object; absent where there is nothing to add      |
 */
export function formatJsonLine({ time, level, category, message, facts }: LogEntry): string {
  const hasFacts = facts !== undefined && Object.keys(facts).length > 0;
  const line = {
    time: new Date(time).toISOString(),
    level,
    category,
    message,
    facts: hasFacts ? facts : undefined,
  };
  const text = JSON.stringify(line, plainValue);
  // JSON leaves these as they are; some readers take them for ends of lines, or for commands.
  return `${text.replace(/[\x7f-\x9f\u2028\u2029]/g, escaped)}\n`;
}

/** What JSON has no form for, in one that it has. */
function plainValue(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Map || value instanceof Set) return [...value];
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  return value;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
