/**
 * What --help prints, made from the table of options.
 *
 * @module
 */
import { OPTION_NAMES, optionFacts, type OptionName } from "../config/options.ts";

/** What the command line has besides the options: how it is written, and what it does. */
const SWITCHES: readonly (readonly [string, string])[] = [
  ["-f, --config FILE", "Read options from a file in the form of C tor's torrc."],
  ["--ignore-missing-torrc", "Go on without the file if it is not there."],
  ["--verify-config", "Check the options and the file, and start nothing."],
  ["--hush, --quiet", "Without a Log option: show warnings only, or nothing."],
  ["-h, --help", "Show this."],
  ["--version", "Show the version."],
];

/** What can be asked for besides running. */
const COMMANDS: readonly (readonly [string, ...string[]])[] = [
  [
    "import-state PATH [--data-dir DIR] [--replace]",
    "Take over the guards of a C tor client: PATH is its state file, or the folder that it is in.",
    "With --replace, guards that chive has used already are given up for them.",
  ],
];

/** Where the explanations begin, in columns. */
const INDENT = 6;

/** No line is longer, in columns. */
const WIDTH = 120;

/** The whole text, with a newline at the end; its first line says what to do next. */
export function helpText(): string {
  const lines = [
    "Point your application at SOCKS5 127.0.0.1:9050, then run: deno task start",
    "",
    "Usage: deno task start [COMMAND] [-f FILE] [OPTION VALUE]...",
    "",
    "chive is a Tor client. All options are optional. Each can stand in the file as 'Option value'",
    "and on the command line as '--Option value' or '--option=value'; the command line counts.",
    "'+Option value' adds to what the file says, '/Option' forgets it.",
    "",
    "Commands:",
    ...COMMANDS.flatMap(([written, ...help]) => entry(written, ...help)),
    "",
    "On the command line only:",
    ...SWITCHES.flatMap(([written, help]) => entry(written, help)),
    "",
    "Options:",
    ...OPTION_NAMES.flatMap(optionEntry),
  ];
  return lines.join("\n") + "\n";
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
