/**
 * The command line, in C tor's form (`-f FILE`, `--Option value`, `Option value`, `+Option value`,
 * `/Option`) and in the friendly one (`--data-dir DIR`, `--name=value`). Before all that may stand
 * what is to be done: `run`, which is usual, or `import-state PATH`.
 *
 * @module
 */
import { buildConfig, type ConfigResult, type DefaultLogLevel } from "../config/build.ts";
import { ConfigError, type Origin } from "../config/errors.ts";
import { findForeignOption } from "../config/foreign_options.ts";
import { findFlag, findOption, FLAGS } from "../config/options.ts";
import { unknownOption } from "../config/settings.ts";
import { unreadableFile } from "../config/unreadable_file.ts";
import { type ConfigLine, type LineCommand, parseTorrc, splitCommand } from "../config/torrc.ts";

/** What the command line asks for. */
export type CommandLine =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | ({ readonly kind: "run" | "verify" } & ConfigResult)
  | ({ readonly kind: "import-state" } & ImportState & ConfigResult);

/** What `import-state` is to do. */
export interface ImportState {
  /** C tor's state file, or the folder that it is in, as it was written. */
  readonly path: string;
  /** Whether guards that chive has already are given up for those of the file. */
  readonly replace: boolean;
}

/** What a switch of the command line, which no file can contain, does. */
type Switch =
  | "help"
  | "version"
  | "verify"
  | "file"
  | "ignore-missing-file"
  | "hush"
  | "quiet"
  | "replace"
  | "unsupported";

const SWITCHES: ReadonlyMap<string, Switch> = new Map([
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
  ["--verify-config", "verify"],
  ["--config", "file"],
  ["-f", "file"],
  ["--torrc-file", "file"],
  ["--ignore-missing-torrc", "ignore-missing-file"],
  ["--allow-missing-torrc", "ignore-missing-file"],
  ["--hush", "hush"],
  ["--quiet", "quiet"],
  ["--replace", "replace"],
  ["--defaults-torrc", "unsupported"],
  ["--dump-config", "unsupported"],
  ["--hash-password", "unsupported"],
  ["--key-expiration", "unsupported"],
  ["--keygen", "unsupported"],
  ["--keygen-family", "unsupported"],
  ["--library-versions", "unsupported"],
  ["--list-deprecated-options", "unsupported"],
  ["--list-fingerprint", "unsupported"],
  ["--list-modules", "unsupported"],
  ["--list-torrc-options", "unsupported"],
]);

/** The dashed names that an unknown one may have been meant for. */
const KNOWN_FLAGS: readonly string[] = [
  ...FLAGS,
  ...[...SWITCHES].filter(([, does]) => does !== "unsupported").map(([name]) => name),
];

const ORIGIN: Origin = { file: undefined, line: undefined };

/** What has been read of the arguments. */
interface Arguments {
  readonly lines: ConfigLine[];
  readonly warnings: string[];
  file: string | undefined;
  ignoreMissingFile: boolean;
  verify: boolean;
  defaultLogLevel: DefaultLogLevel;
  /** Of import-state: what it is about, once that was read. */
  statePath: string | undefined;
  replace: boolean;
}

/**
 * Reads the arguments and the configuration file that they name. Without a `-f` no file is read.
 *
 * @param args without the program's name
 * @param readFile gives a file's text; what it throws is reported, Deno.errors.NotFound also
 *   overlooked where `--ignore-missing-torrc` says so
 * @throws ConfigError for whatever is wrong with the arguments or the file
 */
export function parseCommandLine(
  args: readonly string[],
  readFile: (path: string) => string,
): CommandLine {
  const read: Arguments = {
    lines: [],
    warnings: [],
    file: undefined,
    ignoreMissingFile: false,
    verify: false,
    defaultLogLevel: "notice",
    statePath: undefined,
    replace: false,
  };
  const importing = args[0] === "import-state";
  let at = importing || args[0] === "run" ? 1 : 0;
  while (at < args.length) {
    if (importing && read.statePath === undefined && !args[at].startsWith("-")) {
      read.statePath = args[at++];
      continue;
    }
    const { name, value: joined } = splitValue(args[at]);
    const does = SWITCHES.get(name);
    if (does === "help" || does === "version") return { kind: does };
    at++;
    const takesValue = does === undefined
      ? !name.replace(/^--?/, "").startsWith("/")
      : does === "file";
    if (does === undefined) checkName(name);
    if (does === "unsupported") {
      throw new ConfigError("config-unsupported", `C tor's '${name}' is not supported.`, ORIGIN);
    }
    if (!takesValue && joined !== undefined) {
      throw new ConfigError("config-bad-value", `'${name}' takes no value.`, ORIGIN);
    }
    const value = takesValue ? joined ?? args[at++] : "";
    if (value === undefined || (takesValue && value === "")) {
      throw new ConfigError("config-no-value", `'${name}' has no value after it.`, ORIGIN);
    }
    if (does === undefined) read.lines.push(toLine(name, value));
    else applySwitch(does, value, read);
  }
  const file = read.file === undefined ? [] : readConfigFile(read.file, read, readFile);
  const result = buildConfig([file, read.lines], read.defaultLogLevel);
  const told: ConfigResult = { ...result, warnings: [...read.warnings, ...result.warnings] };
  if (importing) return { kind: "import-state", ...importOf(read), ...told };
  if (read.replace) {
    throw new ConfigError("config-conflict", "'--replace' goes with import-state only.", ORIGIN);
  }
  return { kind: read.verify ? "verify" : "run", ...told };
}

function importOf(read: Arguments): ImportState {
  if (!read.statePath) {
    throw new ConfigError(
      "config-no-value",
      "'import-state' needs the path of C tor's state file after it.",
      ORIGIN,
    );
  }
  if (read.verify) {
    throw new ConfigError(
      "config-conflict",
      "'--verify-config' does not go with import-state.",
      ORIGIN,
    );
  }
  return { path: read.statePath, replace: read.replace };
}

/** Takes `--name=value` apart; only a name with dashes can have its value so. */
function splitValue(arg: string): { name: string; value: string | undefined } {
  const equals = arg.indexOf("=");
  if (!arg.startsWith("-") || equals === -1) return { name: arg, value: undefined };
  return { name: arg.slice(0, equals), value: arg.slice(equals + 1) };
}

/** The option's name without dashes, and what the sign before it says. */
function optionOf(written: string): { name: string; command: LineCommand } {
  const flag = findFlag(written);
  return flag === undefined
    ? splitCommand(written.replace(/^--?/, ""))
    : { name: flag, command: "set" };
}

/** Asked before the value is looked for: a misspelt name is the mistake to report. */
function checkName(written: string): void {
  const { name } = optionOf(written);
  if (findOption(name) === undefined && findForeignOption(name) === undefined) {
    throw unknownOption(written, ORIGIN, KNOWN_FLAGS);
  }
}

function toLine(written: string, value: string): ConfigLine {
  return { ...optionOf(written), value, origin: ORIGIN };
}

function applySwitch(
  does: "verify" | "file" | "ignore-missing-file" | "hush" | "quiet" | "replace",
  value: string,
  read: Arguments,
): void {
  switch (does) {
    case "verify":
      read.verify = true;
      break;
    case "file":
      if (read.file !== undefined) {
        read.warnings.push("There are several configuration files; only the last one is read.");
      }
      read.file = value;
      break;
    case "ignore-missing-file":
      read.ignoreMissingFile = true;
      break;
    case "hush":
      // --quiet beside it says more, in whatever order.
      if (read.defaultLogLevel !== "none") read.defaultLogLevel = "warn";
      break;
    case "quiet":
      read.defaultLogLevel = "none";
      break;
    case "replace":
      read.replace = true;
      break;
  }
}

function readConfigFile(
  path: string,
  read: Arguments,
  readFile: (path: string) => string,
): ConfigLine[] {
  if (path === "-") {
    throw new ConfigError(
      "config-unsupported",
      "The configuration cannot be read from standard input; write it to a file.",
      ORIGIN,
    );
  }
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    if (read.ignoreMissingFile && error instanceof Deno.errors.NotFound) return [];
    throw unreadableFile("config-unreadable", "the configuration file", path, error, ORIGIN);
  }
  return parseTorrc(text, path);
}
