/**
 * Log lines: `LEVEL[-LEVEL] [stdout|stderr|file PATH]`.
 *
 * @module
 */
import type { LogTarget } from "../observe/configure.ts";
import { LOG_LEVELS, type LogLevel } from "../observe/log.ts";
import { ConfigError } from "./errors.ts";
import { checkPath } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";

/** @throws ConfigError for a line that is not understood, logging domains, syslog */
export function parseLog(line: ConfigLine): LogTarget {
  const match = /^([^\t-\r ]*)(?:[\t-\r ]+([^\t-\r ]+)(?:[\t-\r ]+([^]*))?)?$/.exec(line.value);
  if (match === null) throw badLog(line, "expected LEVEL [stdout|stderr|file PATH]");
  const [, levels, kind = "stdout", path] = match;
  if (levels.startsWith("[")) {
    throw new ConfigError(
      "config-unsupported",
      "Log: domains in brackets are not supported; write a level for all.",
      line.origin,
    );
  }
  return { ...parseLevels(levels, line), sink: parseSink(kind, path, line) };
}

function parseLevels(levels: string, line: ConfigLine): Pick<LogTarget, "level" | "mostSevere"> {
  const [from, to = "err", ...more] = levels.toLowerCase().split("-");
  const level = LOG_LEVELS.find((name) => name === from);
  const mostSevere = LOG_LEVELS.find((name) => name === to);
  if (level === undefined || mostSevere === undefined || more.length > 0) {
    throw badLog(line, `'${levels}' is not one or two of ${LOG_LEVELS.join(", ")}`);
  }
  if (severity(level) > severity(mostSevere)) {
    throw badLog(line, `no level is both ${level} or more severe and ${mostSevere} or less`);
  }
  return { level, mostSevere };
}

function severity(level: LogLevel): number {
  return LOG_LEVELS.indexOf(level);
}

function parseSink(kind: string, path: string | undefined, line: ConfigLine): LogTarget["sink"] {
  const place = kind.toLowerCase();
  if (place === "file") {
    if (path === undefined || path === "") throw badLog(line, "the path of the file is missing");
    checkPath("Log", path, line);
    return { kind: "file", path };
  }
  if (place === "syslog") {
    throw new ConfigError(
      "config-unsupported",
      "Log: syslog is not supported; log to stdout, stderr or a file.",
      line.origin,
    );
  }
  if ((place !== "stdout" && place !== "stderr") || path !== undefined) {
    throw badLog(line, "expected stdout, stderr or file PATH after the level");
  }
  return { kind: place };
}

function badLog(line: ConfigLine, reason: string): ConfigError {
  return new ConfigError("config-bad-value", `Log: ${reason}.`, line.origin);
}
