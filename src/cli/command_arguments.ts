/**
 * What follows a command: its operands, its own flags in the form that command lines have
 * everywhere (`-o FILE`, `-oFILE`, `--output=FILE`, `-sI`, `--`), and options of the configuration
 * with C tor's grammar anywhere among them.
 *
 * @module
 */
import { parseArgs, type ParseArgsOptionDescriptor } from "node:util";
import { ConfigError, type Origin } from "../config/errors.ts";
import { findOption } from "../config/options.ts";
import { type Arguments, readArguments, splitValue, takesValue } from "./command_line.ts";
import { commandFacts, type CommandName, COMMON_FLAGS, type FlagFacts } from "./commands.ts";

/** What was read. */
export interface CommandArguments {
  /** What stands without a flag, as many as the command takes. */
  readonly operands: readonly string[];
  /** The values of the command's own flags by their names with dashes; "" for each without value. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** The options of the configuration, and what is asked for in place of all else. */
  readonly options: Arguments;
}

const ORIGIN: Origin = { file: undefined, line: undefined };

/**
 * Reads what follows the name of a command.
 *
 * @throws ConfigError for an unknown flag, a missing value, an operand too few or too many
 */
export function parseCommandArguments(
  name: CommandName,
  args: readonly string[],
): CommandArguments {
  const facts = commandFacts(name);
  const known: readonly FlagFacts[] = [...facts.flags, ...COMMON_FLAGS];
  const written = args.map((arg) => withTwoDashes(arg, known));
  const { tokens } = parseArgs({
    args: written,
    options: Object.fromEntries(known.flatMap(descriptors)),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const operands: string[] = [];
  const flags = new Map<string, string[]>();
  const options: string[] = [];
  let done = -1;
  /** An option of the configuration, whose value may look like anything. */
  const takeOption = (index: number): void => {
    const { name: option, value } = splitValue(written[index]);
    options.push(written[index]);
    done = index;
    if (value === undefined && takesValue(option) && index + 1 < written.length) {
      options.push(written[++done]);
    }
  };
  for (const token of tokens) {
    if (token.index <= done || token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      if (operands.length < facts.most) operands.push(token.value);
      else takeOption(token.index);
      continue;
    }
    const flag = known.find(({ name: long, otherNames = [] }) =>
      [long, ...otherNames].includes(`--${token.name}`)
    );
    if (flag === undefined) takeOption(token.index);
    else if (isCommon(flag)) options.push(flag.name, ...valueOf(flag, token));
    else {
      const [value = ""] = valueOf(flag, token);
      flags.set(flag.name, [...flags.get(flag.name) ?? [], value]);
    }
  }
  const read = readArguments(options, known.map(({ name }) => name));
  if (read.instead === undefined) checkOperands(name, operands);
  refuseFlagsOfRun(name, read);
  return { operands, flags, options: read };
}

function isCommon(flag: FlagFacts): boolean {
  return COMMON_FLAGS.some(({ name }) => name === flag.name);
}

function descriptors(
  { name, short, otherNames = [], argument }: FlagFacts,
): [string, ParseArgsOptionDescriptor][] {
  const type = argument === undefined ? "boolean" : "string";
  const letter = short === undefined ? {} : { short: short.slice(1) };
  return [
    [name.slice(2), { type, ...letter }],
    ...otherNames.map((other): [string, ParseArgsOptionDescriptor] => [other.slice(2), { type }]),
  ];
}

/** C tor takes one dash for two, which elsewhere begins a group of letters. */
function withTwoDashes(arg: string, known: readonly FlagFacts[]): string {
  const { name } = splitValue(arg);
  const isOption = /^-[^-]/.test(name) && findOption(name.slice(1)) !== undefined &&
    !known.some(({ short }) => short === name);
  return isOption ? `-${arg}` : arg;
}

/** Of a flag that takes one: its value; of another one: none. */
function valueOf(
  { argument }: FlagFacts,
  { rawName, value }: { readonly rawName: string; readonly value?: string | undefined },
): string[] {
  if (argument === undefined) {
    if (value === undefined) return [];
    throw new ConfigError("config-bad-value", `'${rawName}' takes no value.`, ORIGIN);
  }
  if (value !== undefined && value !== "") return [value];
  throw new ConfigError("config-no-value", `'${rawName}' has no value after it.`, ORIGIN);
}

function checkOperands(name: CommandName, operands: readonly string[]): void {
  const { least, operands: expected } = commandFacts(name);
  if (operands.length >= least && !operands.includes("")) return;
  throw new ConfigError("config-no-value", `'${name}' needs ${expected} after it.`, ORIGIN);
}

/** They are read wherever options are, and would do nothing here. */
function refuseFlagsOfRun(name: CommandName, read: Arguments): void {
  const flag = read.verify
    ? "--verify-config"
    : !read.tty
    ? "--no-tty"
    : read.defaultLogLevel === "none"
    ? "--quiet"
    : read.defaultLogLevel === "warn"
    ? "--hush"
    : undefined;
  if (flag === undefined) return;
  throw new ConfigError("config-conflict", `'${flag}' does not go with ${name}.`, ORIGIN);
}
