/**
 * What --help prints, made from the tables of commands and options.
 *
 * @module
 */
import { OPTION_NAMES, optionFacts, type OptionName } from "../config/options.ts";
import { BUILD } from "../runtime/build.ts";
import {
  COMMAND_NAMES,
  commandFacts,
  type CommandName,
  COMMANDS,
  COMMON_FLAGS,
  writtenFlag,
} from "./commands.ts";

/** Where the explanations begin, in columns. */
const INDENT = 6;

/** No line is longer, in columns. */
const WIDTH = 120;

/** Paragraphs are not longer, in columns. */
const PARAGRAPH = 100;

const FROM_SOURCE = BUILD.form === "source";

/** What is called chive in the text. */
const CALLED = FROM_SOURCE
  ? ["chive stands for 'deno task start' where it is not installed under that name."]
  : [];

/** The whole text, with a newline at the end; its first line says what to do next. */
export function helpText(): string {
  const lines = [
    "Point your application at SOCKS5 127.0.0.1:9050, then run: " +
    (FROM_SOURCE ? "deno task start" : "chive"),
    "",
    "Usage: chive [COMMAND] [-f FILE] [OPTION VALUE]...",
    "",
    ...CALLED,
    "chive is a Tor client. All options are optional. Each can stand in the file as 'Option value'",
    "and on the command line as '--Option value' or '--option=value'; the command line counts.",
    "'+Option value' adds to what the file says, '/Option' forgets it.",
    "",
    "Commands ('chive help COMMAND' tells more):",
    ...COMMAND_NAMES.flatMap((name) => entry(calledAs(name), commandFacts(name).summary)),
    "",
    "On the command line only:",
    ...[...COMMON_FLAGS, ...COMMANDS.run.flags].flatMap((flag) =>
      entry(writtenFlag(flag), flag.help)
    ),
    "",
    "Options:",
    ...OPTION_NAMES.flatMap(optionEntry),
  ];
  return lines.join("\n") + "\n";
}

/** The text about one command, with a newline at the end. */
export function commandHelp(name: CommandName): string {
  const { summary, details, flags, exits } = commandFacts(name);
  const lines = [
    `Usage: chive ${usageOf(name)}`,
    "",
    ...wrapped(summary),
    ...details.flatMap((paragraph) => ["", ...wrapped(paragraph)]),
    ...flags.length > 0 ? ["", "Flags:"] : [],
    ...flags.flatMap((flag) => entry(writtenFlag(flag), flag.help)),
    "",
    "Exit codes:",
    ...[...exits, ["2", "The options are wrong."] as const]
      .toSorted(([a], [b]) => Number(a) - Number(b))
      .map(([code, meaning]) => `  ${code.padEnd(INDENT - 2)}${meaning}`),
    "",
    ["'chive help' lists the options.", ...CALLED].join(" "),
  ];
  return lines.join("\n") + "\n";
}

/** A command's name with what follows it. */
export function calledAs(name: CommandName): string {
  return `${name} ${commandFacts(name).operands}`.trimEnd();
}

/** The same, and what may stand behind that. */
export function usageOf(name: CommandName): string {
  const { flags, withoutOptions } = commandFacts(name);
  return [
    calledAs(name),
    ...flags.length > 0 ? ["[FLAG]..."] : [],
    ...withoutOptions ? [] : ["[-f FILE] [OPTION VALUE]..."],
  ].join(" ");
}

function wrapped(paragraph: string): string[] {
  const lines = [""];
  for (const word of paragraph.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length <= PARAGRAPH) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function entry(written: string, ...help: readonly string[]): string[] {
  return [`  ${written}`, ...help.map((line) => " ".repeat(INDENT) + line)];
}

function optionEntry(name: OptionName): string[] {
  const facts = optionFacts(name);
  const names = [...(facts.flags ?? []), `--${name}`].join(", ");
  const note = defaultNote(name);
  const fits = INDENT + facts.help.length + 1 + note.length <= WIDTH;
  const help = fits ? [`${facts.help} ${note}`.trimEnd()] : [facts.help, note];
  return entry(`${names} ${facts.argument}`, ...help);
}

function defaultNote(name: OptionName): string {
  const { default: usual, testingDefault } = optionFacts(name);
  if (usual === undefined) return "";
  const testing = testingDefault === undefined || testingDefault === usual
    ? ""
    : `; in a test network: ${testingDefault}`;
  return `(default: ${usual}${testing})`;
}
