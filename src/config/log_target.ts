/**
 * Log lines: `[DOMAIN,...]LEVEL[-LEVEL] ... [stdout|stderr|file PATH]`.
 *
 * @module
 */
import type { LogSelection, LogTarget } from "../observe/log_target.ts";
import { LOG_CATEGORIES, LOG_LEVELS, type LogCategory, type LogLevel } from "../observe/log.ts";
import { ConfigError } from "./errors.ts";
import { checkPath } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";

/** C tor's logging domains, in lower case, and what each is called here. */
const DOMAINS: ReadonlyMap<string, readonly LogCategory[]> = new Map<
  string,
  readonly LogCategory[]
>([
  ["app", ["proxy", "stream"]],
  ["btrack", ["bootstrap"]],
  ["channel", ["channel"]],
  ["circ", ["circuit"]],
  ["config", ["config"]],
  ["consdiff", ["directory"]],
  ["dir", ["directory"]],
  ["edge", ["proxy", "stream"]],
  ["fs", ["state"]],
  ["general", ["bootstrap", "config"]],
  ["guard", ["guard"]],
  ["handshake", ["channel"]],
  ["heartbeat", ["bootstrap"]],
  ["http", ["directory"]],
  ["net", ["channel"]],
  ["or", ["channel"]],
  ["process", ["state"]],
  ["protocol", ["channel", "circuit"]],
  // About what chive has not, or does not tell apart: nothing is logged under these.
  ...[
    "acct",
    "bug",
    "control",
    "crypto",
    "dirserv",
    "dos",
    "hist",
    "mesg",
    "mm",
    "pt",
    "rend",
    "sched",
  ]
    .map((domain): [string, readonly LogCategory[]] => [domain, []]),
  ...LOG_CATEGORIES.map((category): [string, readonly LogCategory[]] => [category, [category]]),
]);

const EXPECTED = "expected LEVEL [stdout|stderr|file PATH]";

/** @throws ConfigError for a line that is not understood, an unknown domain, syslog */
export function parseLog(line: ConfigLine): LogTarget {
  const selections: LogSelection[] = [];
  let rest = line.value.replace(/^[\t-\r ]+/, "");
  while (rest !== "" && !/^(file|stdout|stderr|syslog)(?=[\t-\r ]|$)/i.test(rest)) {
    const match = /^(?:\[([^\]]*)\][\t-\r ]*)?([^\t-\r [\]]+)[\t-\r ]*([^]*)$/.exec(rest);
    if (match === null) throw badLog(line, EXPECTED);
    const [, domains, levels, after] = match;
    if (domains !== undefined) {
      selections.push({ ...parseLevels(levels, line), categories: parseDomains(domains, line) });
    } else if (selections.some(({ categories }) => categories === undefined)) {
      throw badLog(line, "expected stdout, stderr or file PATH after the level");
    } else selections.push(parseLevels(levels, line));
    rest = after;
  }
  const [first, ...also] = selections;
  if (first === undefined) throw badLog(line, `'${line.value}' has no level: ${EXPECTED}`);
  const sink = parseSink(rest, line);
  return also.length === 0 ? { ...first, sink } : { ...first, also, sink };
}

/** What is meant by domains with commas between, of which `~` takes one away. */
function parseDomains(list: string, line: ConfigLine): readonly LogCategory[] {
  const wanted = new Set<LogCategory>();
  const unwanted = new Set<LogCategory>();
  let positive = false;
  for (const part of list.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    const name = part.replace(/^~/, "");
    const categories = part === "*" ? LOG_CATEGORIES : DOMAINS.get(name.toLowerCase());
    if (categories === undefined) {
      throw badLog(
        line,
        `'${name}' is no logging domain; chive's are ${LOG_CATEGORIES.join(", ")}`,
      );
    }
    if (name === part) positive = true;
    for (const category of categories) (name === part ? wanted : unwanted).add(category);
  }
  if (!positive && unwanted.size === 0) {
    throw badLog(line, "there is no domain between the brackets");
  }
  return LOG_CATEGORIES.filter((each) => (!positive || wanted.has(each)) && !unwanted.has(each));
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

/** @param text what stands after the levels; the path of a file keeps its blanks */
function parseSink(text: string, line: ConfigLine): LogTarget["sink"] {
  const [, kind, path] = /^([^\t-\r ]*)[\t-\r ]*([^]*)$/.exec(text) ?? [];
  const place = kind.toLowerCase() || "stdout";
  if (place === "file") {
    if (path === "") throw badLog(line, "the path of the file is missing");
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
  if ((place !== "stdout" && place !== "stderr") || path !== "") {
    throw badLog(line, "expected stdout, stderr or file PATH after the level");
  }
  return { kind: place };
}

function badLog(line: ConfigLine, reason: string): ConfigError {
  return new ConfigError("config-bad-value", `Log: ${reason}.`, line.origin);
}
