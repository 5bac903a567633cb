/**
 * Where log lines go and how they look. The lines are C tor's, with milliseconds:
 * `Nov 23 19:00:00.000 [notice] message`, in local time.
 *
 * @module
 */
import {
  configure,
  type LogLevel as LibraryLevel,
  type LogRecord,
  reset,
  type Sink,
} from "@logtape/logtape";
import { ObserveError } from "./errors.ts";
import { LOG_LEVELS, type LogLevel, setSafeLogging } from "./log.ts";

/** Where lines of which levels go (C tor: Log). */
export interface LogTarget {
  /** The least severe level that is written. */
  readonly level: LogLevel;
  /** The most severe level that is written; `err` unless a range was given. */
  readonly mostSevere: LogLevel;
  /** A file is appended to; its path is taken as it is. */
  readonly sink: { readonly kind: "stdout" | "stderr" } | {
    readonly kind: "file";
    readonly path: string;
  };
}

/** What applies to all targets. */
export interface LoggingOptions {
  /** Redact addresses and destinations in lines. */
  readonly safeLogging: boolean;
}

/** What a target needs of a file or a terminal. */
export interface LineWriter {
  /** Writes at least one byte and gives their number; throws what the system says. */
  writeSync(bytes: Uint8Array): number;
}

/** The library's name for each of C tor's levels, the other way round: see log.ts. */
const LEVEL_OF: Readonly<Record<LibraryLevel, LogLevel>> = {
  trace: "debug",
  debug: "info",
  info: "notice",
  warning: "warn",
  error: "err",
  fatal: "err",
};

/** The library's levels in the order of LOG_LEVELS. */
const LIBRARY_LEVELS = ["trace", "debug", "info", "warning", "error"] as const;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Makes `logs` the targets of all log lines, in place of those set before. Every line is handed to
 * the operating system before the logging call returns, so that none is lost when the process
 * ends. An empty list writes nothing.
 *
 * @param logs files are appended to, and created with mode 0600
 * @returns disposing it stops the logging and closes the files
 * @throws ObserveError when a file cannot be opened; nothing has changed then
 */
export async function configureLogging(
  logs: readonly LogTarget[],
  options: LoggingOptions,
): Promise<AsyncDisposable> {
  const files: Deno.FsFile[] = [];
  const sinks: Record<string, Sink> = {};
  try {
    for (const [index, target] of logs.entries()) {
      sinks[`log${index}`] = lineSink(target, openTarget(target, files));
    }
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
  setSafeLogging(options.safeLogging);
  const names = Object.keys(sinks);
  await configure({
    reset: true,
    sinks,
    loggers: [
      { category: ["chive"], lowestLevel: lowestLevel(logs), sinks: names },
      // Otherwise the library introduces itself on the console.
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: names },
    ],
  });
  let open = true;
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      if (!open) return;
      open = false;
      await reset();
      for (const file of files) file.close();
    },
  };
}

/** The least severe level that any target writes: the others then cost one comparison. */
function lowestLevel(logs: readonly LogTarget[]): LibraryLevel | null {
  const lowest = Math.min(...logs.map((target) => LOG_LEVELS.indexOf(target.level)));
  return logs.length === 0 ? null : LIBRARY_LEVELS[lowest];
}

function openTarget(target: LogTarget, files: Deno.FsFile[]): LineWriter {
  const { sink } = target;
  if (sink.kind !== "file") return sink.kind === "stdout" ? Deno.stdout : Deno.stderr;
  try {
    const file = Deno.openSync(sink.path, { append: true, create: true, mode: 0o600 });
    files.push(file);
    return file;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ObserveError(
      "log-file-unwritable",
      `cannot open the log file '${sink.path}': ${reason}`,
      { cause: error },
    );
  }
}

/**
 * A sink that writes the lines of `target`'s levels to `writer`. A line that cannot be written
 * (disk full, pipe closed) is dropped, and the next one that can is preceded by their number.
 */
export function lineSink(target: LogTarget, writer: LineWriter): Sink {
  const from = LOG_LEVELS.indexOf(target.level);
  const to = LOG_LEVELS.indexOf(target.mostSevere);
  const encoder = new TextEncoder();
  let lost = 0;
  return (record: LogRecord): void => {
    const level = LEVEL_OF[record.level];
    const severity = LOG_LEVELS.indexOf(level);
    if (severity < from || severity > to) return;
    try {
      if (lost > 0) {
        const count = `${lost} log ${
          lost === 1 ? "line" : "lines"
        } before this could not be written`;
        writeAll(writer, encoder.encode(formatLogLine(record.timestamp, "warn", count)));
        lost = 0;
      }
      const message = record.message.map(String).join("");
      writeAll(writer, encoder.encode(formatLogLine(record.timestamp, level, message)));
    } catch {
      // There is nowhere left to report to, and a log must not stop the client.
      lost++;
    }
  };
}

function writeAll(writer: LineWriter, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const written = writer.writeSync(bytes.subarray(at));
    if (written === 0) throw new Deno.errors.WriteZero("the log took no bytes");
    at += written;
  }
}

/**
 * One line with its newline. Control characters in `message`, which could forge a line or command
 * a terminal, are written as `\xNN`.
 *
 * @param time milliseconds since 1970-01-01 UTC, shown in local time
 */
export function formatLogLine(time: number, level: LogLevel, message: string): string {
  const date = new Date(time);
  const month = MONTHS[date.getMonth()];
  const day = two(date.getDate());
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const fraction = String(date.getMilliseconds()).padStart(3, "0");
  return `${month} ${day} ${clock}.${fraction} [${level}] ${printable(message)}\n`;
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
