/**
 * The command line, in C tor's form (`-f FILE`, `--Option value`, `Option value`, `+Option value`,
 * `/Option`) and in the friendly one (`--data-dir DIR`, `--name=value`). Before all that may stand
 * a command; `run` is meant where there is none. C tor's grammar is read here; what follows another
 * command is read in `command_arguments.ts`.
 *
 * @module
 */
import { buildConfig, type ConfigResult, type DefaultLogLevel } from "../config/build.ts";
import type { Sources } from "../config/changed_options.ts";
import { ConfigError, type Origin } from "../config/errors.ts";
import { findForeignOption } from "../config/foreign_options.ts";
import { findFlag, findOption, FLAGS } from "../config/options.ts";
import { unknownOption } from "../config/settings.ts";
import { unreadableFile } from "../config/unreadable_file.ts";
import { type ConfigLine, type LineCommand, parseTorrc, splitCommand } from "../config/torrc.ts";
import {
  COMMAND_NAMES,
  commandFacts,
  type CommandName,
  COMMANDS,
  COMMON_FLAGS,
  isCommandName,
} from "./commands.ts";

/** What is read where no file is named, in the current folder. */
export const USUAL_FILE = "torrc";

/** A command that has a file of its own, which is loaded when it is asked for. */
export type OtherCommand = Exclude<CommandName, "run" | "help">;

/** What the command line asks for. */
export type CommandLine =
  | { readonly kind: "help"; readonly command?: CommandName }
  | { readonly kind: "version" }
  | { readonly kind: "command"; readonly name: OtherCommand; readonly args: readonly string[] }
  | RunCommand;

/** A client to run, or options to check. */
export interface RunCommand extends Configuration {
  readonly kind: "run" | "verify";
  /** Whether a terminal may be used as one; false with --no-tty. */
  readonly tty: boolean;
}

/** A configuration, and the lines of each source that it was made of. */
export interface Configuration extends ConfigResult {
  readonly sources: Sources;
}

/** Gives a file's text, or throws what the system says. */
export type ReadFile = (path: string) => string;

type SwitchFlag = (typeof COMMON_FLAGS | typeof COMMANDS.run.flags)[number]["name"];

/** What C tor has that changes what is done, by the names of its flags. */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  "--defaults-torrc",
  "--dump-config",
  "--hash-password",
  "--key-expiration",
  "--keygen",
  "--keygen-family",
  "--library-versions",
  "--list-deprecated-options",
  "--list-fingerprint",
  "--list-modules",
  "--list-torrc-options",
]);

const SWITCHES: ReadonlyMap<string, SwitchFlag> = new Map(
  [...COMMON_FLAGS, ...COMMANDS.run.flags].flatMap((flag) =>
    [
      flag.name,
      ..."short" in flag ? [flag.short] : [],
      ..."otherNames" in flag ? flag.otherNames : [],
    ].map((name): [string, SwitchFlag] => [name, flag.name])
  ),
);

const ORIGIN: Origin = { file: undefined, line: undefined };

/** What was read of the arguments, before any file. */
export interface Arguments {
  /** The options, in their order. */
  readonly lines: readonly ConfigLine[];
  readonly warnings: readonly string[];
  /** Where more options are; those of the command line count more. */
  readonly file: string | undefined;
  readonly ignoreMissingFile: boolean;
  readonly verify: boolean;
  readonly tty: boolean;
  readonly defaultLogLevel: DefaultLogLevel;
  /** What is asked for in place of all else. */
  readonly instead: "help" | "version" | undefined;
}

/**
 * Reads the arguments and the configuration file that they name, or `./torrc` if there is one.
 *
 * @param args without the program's name
 * @param readFile of what it throws, Deno.errors.NotFound is overlooked where
 *   `--ignore-missing-torrc` says so
 * @throws ConfigError for whatever is wrong with the arguments or the file; not for what follows
 *   another command than `run`
 */
export function parseCommandLine(args: readonly string[], readFile: ReadFile): CommandLine {
  const [first, ...rest] = args;
  const command = first !== undefined && isCommandName(first) ? first : undefined;
  if (command === "help") return helpOn(rest);
  if (command !== undefined && command !== "run") {
    return { kind: "command", name: command, args: rest };
  }
  const read = readArguments(command === "run" ? rest : args);
  if (read.instead === "help") {
    return command === undefined ? { kind: "help" } : { kind: "help", command };
  }
  if (read.instead === "version") return { kind: "version" };
  const { verify, tty } = read;
  return { kind: verify ? "verify" : "run", tty, ...configure(read, readFile) };
}

function helpOn([name, more]: readonly string[]): CommandLine {
  if (name === undefined || name.startsWith("-")) return { kind: "help" };
  if (!isCommandName(name)) {
    const names = Object.keys(COMMANDS).join(", ");
    throw new ConfigError(
      "config-unknown-option",
      `There is no command '${name}': ${names}`,
      ORIGIN,
    );
  }
  if (more !== undefined) {
    throw new ConfigError(
      "config-unknown-option",
      `'help' takes one command, not '${more}'`,
      ORIGIN,
    );
  }
  return { kind: "help", command: name };
}

/**
 * Reads options and the flags of `run`; when help or the version is asked for, nothing after that.
 *
 * @param flags the dashed names that an unknown one may have been meant for
 * @throws ConfigError for an unknown name, a missing value or one too many
 */
export function readArguments(
  args: readonly string[],
  flags: readonly string[] = [...SWITCHES.keys()],
): Arguments {
  const lines: ConfigLine[] = [];
  const given = new Set<SwitchFlag>();
  const files: string[] = [];
  let at = 0;
  while (at < args.length) {
    const { name, value: joined } = splitValue(args[at++]);
    const flag = SWITCHES.get(name);
    if (flag !== undefined) given.add(flag);
    else checkName(name, flags);
    if (flag === "--help" || flag === "--version") break;
    if (!takesValue(name)) {
      if (joined !== undefined) {
        throw new ConfigError("config-bad-value", `'${name}' takes no value.`, ORIGIN);
      }
      if (flag === undefined) lines.push(toLine(name, ""));
      continue;
    }
    const value = joined ?? args[at++];
    if (value === undefined || value === "") {
      throw new ConfigError("config-no-value", `'${name}' has no value after it.`, ORIGIN);
    }
    if (flag === undefined) lines.push(toLine(name, value));
    else files.push(value);
  }
  return {
    lines,
    warnings: files.length > 1
      ? ["There are several configuration files; only the last one is read."]
      : [],
    file: files.at(-1),
    ignoreMissingFile: given.has("--ignore-missing-torrc"),
    verify: given.has("--verify-config"),
    tty: !given.has("--no-tty"),
    defaultLogLevel: given.has("--quiet") ? "none" : given.has("--hush") ? "warn" : "notice",
    instead: given.has("--help") ? "help" : given.has("--version") ? "version" : undefined,
  };
}

/**
 * The configuration of the file that counts, if any, and of the arguments.
 *
 * @throws ConfigError
 */
export function configure(read: Arguments, readFile: ReadFile): Configuration {
  const file = readConfigFile(read, readFile);
  const sources = [file === undefined ? [] : parseTorrc(file.text, file.path), read.lines];
  const result = buildConfig(sources, read.defaultLogLevel);
  const warnings = [...read.warnings, ...result.warnings];
  const notices = file === undefined || read.file !== undefined
    ? result.notices
    : [`Options are read from ./${USUAL_FILE}.`, ...result.notices];
  return { ...result, sources, warnings, notices };
}

/** A configuration file. */
export interface ConfigFile {
  /** As errors name it. */
  readonly path: string;
  readonly text: string;
}

/**
 * The file that the arguments name, or else `torrc` in the current folder if there is one that may
 * be read; undefined where there is none and none is needed.
 *
 * @throws ConfigError config-unreadable, config-unsupported for standard input
 */
export function readConfigFile(
  { file, ignoreMissingFile }: Pick<Arguments, "file" | "ignoreMissingFile">,
  readFile: ReadFile,
): ConfigFile | undefined {
  const path = file ?? USUAL_FILE;
  if (path === "-") {
    throw new ConfigError(
      "config-unsupported",
      "The configuration cannot be read from standard input; write it to a file.",
      ORIGIN,
    );
  }
  try {
    return { path, text: readFile(path) };
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    if (isMissing && (ignoreMissingFile || file === undefined)) return undefined;
    // Who gives permissions of their own, without one for this file, means other files.
    if (file === undefined && error instanceof Deno.errors.NotCapable) return undefined;
    throw unreadableFile("config-unreadable", "the configuration file", path, error, ORIGIN);
  }
}

/** Whether a value follows this flag or option, as it was written, without a joined value. */
export function takesValue(written: string): boolean {
  const flag = SWITCHES.get(written);
  return flag === undefined ? !written.replace(/^--?/, "").startsWith("/") : flag === "--config";
}

/** Takes `--name=value` apart; only a name with dashes can have its value so. */
export function splitValue(arg: string): { name: string; value: string | undefined } {
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
function checkName(written: string, flags: readonly string[]): void {
  if (UNSUPPORTED.has(written)) {
    throw new ConfigError("config-unsupported", `C tor's '${written}' is not supported.`, ORIGIN);
  }
  const { name } = optionOf(written);
  if (findOption(name) !== undefined || findForeignOption(name) !== undefined) return;
  if (isCommandName(written)) {
    throw new ConfigError(
      "config-unknown-option",
      `The command '${written}' must stand before all options`,
      ORIGIN,
    );
  }
  const command = COMMAND_NAMES.find((each) =>
    commandFacts(each).flags.some(({ name, short }) => written === name || written === short)
  );
  if (command !== undefined && written.startsWith("-")) {
    throw new ConfigError("config-conflict", `'${written}' goes with ${command} only.`, ORIGIN);
  }
  const words = written.startsWith("-") ? [] : COMMAND_NAMES;
  throw unknownOption(written, ORIGIN, [...FLAGS, ...flags, ...words]);
}

function toLine(written: string, value: string): ConfigLine {
  return { ...optionOf(written), value, origin: ORIGIN };
}
