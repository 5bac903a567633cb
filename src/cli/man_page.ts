/**
 * The man page, made from the tables of commands and options.
 *
 * @module
 */
import { optionFacts, type OptionName } from "../config/options.ts";
import {
  COMMAND_NAMES,
  commandFacts,
  type CommandName,
  COMMON_FLAGS,
  type FlagFacts,
  writtenFlag,
} from "./commands.ts";
import { calledAs, usageOf } from "./help.ts";
import { OPTION_GROUPS } from "./option_groups.ts";
import { defaultOf } from "./option_table.ts";
import { isReloadable } from "./reloadable_options.ts";
import { VERSION } from "./version.ts";

const SYNTAX =
  "Each option can stand in the configuration file as 'Option value', and on the command line as " +
  "'--Option value' or '--option=value'; names are the same in any case. The command line counts " +
  "more than the file. '+Option value' adds to what was said before, where it would be replaced; " +
  "'/Option' forgets it. In the file, '#' begins a comment, a value may stand in double quotes with " +
  "C's escape sequences, and a backslash at the end of a line continues it. Unless -f names a file, " +
  "./torrc is read, if there is one that Deno may read.";

const FILES: readonly (readonly [string, string])[] = [
  [
    "./chive-data/",
    "The data directory, mode 0700, unless DataDirectory names another: guards, build times and the " +
    "cached directory of the network. It says which guards you use: keep it to yourself.",
  ],
  ["./torrc", "The configuration file, unless -f names another. There need not be one."],
  ["./chive-data/lock", "Locked as long as a client uses the folder."],
];

const EXAMPLES: readonly (readonly [string, string])[] = [
  ["chive", "A SOCKS port at 127.0.0.1:9050."],
  ["chive -f torrc --metrics-port 9035", "With a configuration file, and a page about the client."],
  ["chive fetch -o page.html https://www.torproject.org/", "One download."],
  ["chive status --metrics 9035", "How the running client is."],
  ["chive check -f torrc", "What each line does, and all mistakes."],
];

/** The page as text for man. */
export function manPage(): string {
  const lines = [
    '.\\" Made by scripts/make_documents.ts, do not edit.',
    `.TH CHIVE 1 "" "chive ${VERSION}" "chive"`,
    ".SH NAME",
    "chive \\- a Tor client",
    ".SH SYNOPSIS",
    ...COMMAND_NAMES.flatMap(synopsis),
    ".SH DESCRIPTION",
    text(
      "chive joins the Tor network, opens a SOCKS5 port for applications on this machine, and " +
        "carries what they send through three relays. Its options and its configuration file are " +
        "those of C tor, as far as they concern a client.",
    ),
    ".SH COMMANDS",
    ...COMMAND_NAMES.flatMap(commandSection),
    ".SH FLAGS OF ALL COMMANDS",
    ...COMMON_FLAGS.flatMap(flagEntry),
    ".SH OPTIONS",
    text(SYNTAX),
    ...OPTION_GROUPS.flatMap(({ title, names }) => [
      `.SS ${text(title)}`,
      ...names.flatMap(optionEntry),
    ]),
    ".SH EXIT STATUS",
    text("2 stands for wrong options, with every command; a port that is taken is one. Else:"),
    ...COMMAND_NAMES.flatMap((name) => [
      ".TP",
      `.B ${text(name)}`,
      text(commandFacts(name).exits.map(([code, meaning]) => `${code}: ${meaning}`).join(" ")),
    ]),
    ".SH FILES",
    ...FILES.flatMap(([name, what]) => [".TP", `.I ${text(name)}`, text(what)]),
    ".SH EXAMPLES",
    ...EXAMPLES.flatMap(([command, what]) => [".TP", `.B ${text(command)}`, text(what)]),
    ".SH SEE ALSO",
    ".BR tor (1),",
    ".BR torsocks (1),",
    ".BR curl (1)",
  ];
  return lines.join("\n") + "\n";
}

function synopsis(name: CommandName, index: number): string[] {
  const rest = usageOf(name).slice(name.length);
  const called = name === "run" ? "[run]" : name;
  return [
    ...index === 0 ? [] : [".br"],
    `.B chive ${text(called)}`,
    text(rest.trim()),
  ];
}

function commandSection(name: CommandName): string[] {
  const { summary, details, flags } = commandFacts(name);
  return [
    `.SS ${text(calledAs(name))}`,
    text(summary),
    ...details.flatMap((paragraph) => [".PP", text(paragraph)]),
    ...flags.flatMap(flagEntry),
  ];
}

function flagEntry(flag: FlagFacts): string[] {
  return [".TP", `.B ${text(writtenFlag(flag))}`, text(flag.help)];
}

function optionEntry(name: OptionName): string[] {
  const { argument, flags = [], otherNames = [], help, details, testingOnly } = optionFacts(name);
  const usual = defaultOf(name);
  const more = [
    ...details === undefined ? [] : [details],
    ...usual === "" ? [] : [`Default: ${usual}.`],
    ...testingOnly ? ["With TestingTorNetwork 1 only."] : [],
    ...flags.length === 0 ? [] : [`Also ${flags.join(", ")}.`],
    ...otherNames.length === 0 ? [] : [`C tor also calls it ${otherNames.join(", ")}.`],
    ...isReloadable(name) ? ["A new value is used after SIGHUP."] : [],
  ];
  return [".TP", `.BR ${text(name)} " ${text(argument)}"`, text([help, ...more].join(" "))];
}

/** Plain text: backslashes, dashes, quotes and what begins a request stand for themselves. */
function text(plain: string): string {
  return plain.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq")
    .replaceAll("'", "\\(aq").replace(/^\./, "\\&.");
}
