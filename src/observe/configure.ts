/**
 * Sets up the log: which lines go where, and how they look.
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
import { LOG_CATEGORIES, LOG_LEVELS, type LogLevel, setSafeLogging } from "./log.ts";
import { LogFile } from "./log_file.ts";
import { formatJsonLine, formatTextLine, type LogEntry, type LogFormat } from "./log_line.ts";
import { isWanted, type LogTarget, lowestLevel } from "./log_target.ts";
import type { RecentLines } from "./recent_lines.ts";

export type { LogTarget } from "./log_target.ts";

/** What applies to all targets. */
export interface LoggingOptions {
  /** Redact addresses and destinations in lines. */
  readonly safeLogging: boolean;
  /** How lines look; text unless given. */
  readonly logFormat?: LogFormat;
  /** Whether a line of text says what it is about; it does not unless given. */
  readonly logMessageDomains?: boolean;
  /** Bytes from which a log file is put aside; 0, or not given: never. */
  readonly logMaxSize?: number;
  /** How many log files that were put aside are kept; 0 unless given. */
  readonly logFiles?: number;
  /**
   * Gets the lines of level warn and err, whatever the targets are; only their number while
   * addresses and destinations are not redacted.
   */
  readonly recent?: RecentLines;
  /** What writes to stdout or stderr in its place; undefined, or no writer given: the stream itself. */
  readonly terminal?: (stream: "stdout" | "stderr") => LineWriter | undefined;
}

/** What a target needs of a file or a terminal. */
export interface LineWriter {
  /** Writes at least one byte and gives their number; throws what the system says. */
  writeSync(bytes: Uint8Array): number;
  /**
   * Called before each line, with its bytes.
   *
   * @returns what should be told in a line before it
   */
  beginLine?(length: number): string | undefined;
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

/** The levels that {@link LoggingOptions.recent} gets. */
const RECENT: LogTarget = { level: "warn", mostSevere: "err", sink: { kind: "stderr" } };

/** What was set up last. */
let current: AsyncDisposable | undefined;

/**
 * Makes `logs` the targets of all log lines, in place of those set before. Every line is handed to
 * the operating system before the logging call returns, so that none is lost when the process
 * ends. An empty list writes nothing.
 *
 * @param logs files are appended to, and created with mode 0600
 * @returns disposing it closes the files, and stops the logging unless it was set up anew since
 * @throws ObserveError when a file cannot be opened; nothing has changed then
 */
export async function configureLogging(
  logs: readonly LogTarget[],
  options: LoggingOptions,
): Promise<AsyncDisposable> {
  const files: LogFile[] = [];
  const targets: { readonly target: LogTarget; readonly sink: Sink }[] = [];
  try {
    for (const target of logs) {
      targets.push({ target, sink: lineSink(target, openTarget(target, options, files), options) });
    }
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
  const { safeLogging, recent } = options;
  setSafeLogging(safeLogging);
  if (recent !== undefined) {
    const sink = (record: LogRecord) => {
      const entry = entryOf(record);
      if (!isWanted(RECENT, entry.category, entry.level)) return;
      if (safeLogging) recent.add(entry);
      else recent.countOnly();
    };
    targets.push({ target: RECENT, sink });
  }
  const names = targets.map((_, index) => `log${index}`);
  await configure({
    reset: true,
    sinks: Object.fromEntries(targets.map(({ sink }, index) => [`log${index}`, sink])),
    loggers: [
      ...LOG_CATEGORIES.map((category) => ({
        category: ["chive", category],
        lowestLevel: lowestOf(targets.map(({ target }) => target), category),
        sinks: names,
      })),
      // Otherwise the library introduces itself on the console.
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: names },
    ],
  });
  let open = true;
  const mine: AsyncDisposable = {
    async [Symbol.asyncDispose](): Promise<void> {
      if (!open) return;
      open = false;
      if (current === mine) await reset();
      for (const file of files) file.close();
    },
  };
  current = mine;
  return mine;
}

/** The least severe level that any target writes: the others then cost one comparison. */
function lowestOf(targets: readonly LogTarget[], category: string): LibraryLevel | null {
  const levels = targets.map((target) => lowestLevel(target, category))
    .filter((level) => level !== undefined)
    .map((level) => LOG_LEVELS.indexOf(level));
  return levels.length === 0 ? null : LIBRARY_LEVELS[Math.min(...levels)];
}

function openTarget(target: LogTarget, options: LoggingOptions, files: LogFile[]): LineWriter {
  const { sink } = target;
  if (sink.kind !== "file") {
    return options.terminal?.(sink.kind) ?? (sink.kind === "stdout" ? Deno.stdout : Deno.stderr);
  }
  const { logMaxSize: maxSize = 0, logFiles: keep = 0 } = options;
  const file = new LogFile(sink.path, { maxSize, keep });
  files.push(file);
  return file;
}

/**
 * A sink that writes the lines of `target` to `writer`. A line that cannot be written (disk full,
 * pipe closed) is dropped, and the next one that can is preceded by their number.
 */
export function lineSink(
  target: LogTarget,
  writer: LineWriter,
  { logFormat = "text", logMessageDomains = false }: Omit<LoggingOptions, "safeLogging"> = {},
): Sink {
  const encoder = new TextEncoder();
  let lost = 0;
  const format = (entry: LogEntry) =>
    encoder.encode(
      logFormat === "json" ? formatJsonLine(entry) : formatTextLine(entry, logMessageDomains),
    );
  const write = (entry: LogEntry) => {
    const line = format(entry);
    const trouble = writer.beginLine?.(line.length);
    if (trouble !== undefined) writeAll(writer, format({ ...remark(entry), message: trouble }));
    writeAll(writer, line);
  };
  return (record: LogRecord): void => {
    const entry = entryOf(record);
    if (!isWanted(target, entry.category, entry.level)) return;
    try {
      if (lost > 0) {
        const lines = lost === 1 ? "line" : "lines";
        write({
          ...remark(entry),
          message: `${lost} log ${lines} before this could not be written`,
        });
        lost = 0;
      }
      write(entry);
    } catch {
      // There is nowhere left to report to, and a log must not stop the client.
      lost++;
    }
  };
}

/** The beginning of a line about the log itself, at the time of another one. */
function remark({ time }: LogEntry): Omit<LogEntry, "message"> {
  return { time, level: "warn", category: "config" };
}

function entryOf({ timestamp, level, category, message, properties }: LogRecord): LogEntry {
  return {
    time: timestamp,
    level: LEVEL_OF[level],
    category: category.at(-1) ?? "",
    message: message.map(String).join(""),
    facts: properties,
  };
}

function writeAll(writer: LineWriter, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const written = writer.writeSync(bytes.subarray(at));
    if (written === 0) throw new Deno.errors.WriteZero("the log took no bytes");
    at += written;
  }
}
