/**
 * `completion`: scripts with which shells complete the command line, made from the tables of
 * commands and options.
 *
 * @module
 */
import { ConfigError } from "../config/errors.ts";
import { findOption, OPTION_NAMES, optionFacts } from "../config/options.ts";
import type { CommandArguments } from "./command_arguments.ts";
import {
  COMMAND_NAMES,
  commandFacts,
  type CommandName,
  COMMON_FLAGS,
  type FlagFacts,
} from "./commands.ts";
import { ExitCode, print } from "./exit_code.ts";

/** A name that can stand on the command line. */
interface Word {
  readonly name: string;
  readonly help: string;
  /** What follows: nothing, a file, a folder, one of some values, or anything. */
  readonly value: "none" | "file" | "folder" | "any" | readonly string[];
}

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/**
 * Prints the script.
 *
 * @returns the exit code
 * @throws ConfigError for another shell
 */
export function writeCompletion({ operands: [shell] }: CommandArguments): number {
  print(completionScript(shell));
  return ExitCode.Done;
}

/**
 * The script for a shell.
 *
 * @throws ConfigError for one that is not known
 */
export function completionScript(shell: string): string {
  if (shell === "bash" || shell === "zsh" || shell === "fish") return SHELLS[shell]();
  const names = Object.keys(SHELLS).join(", ");
  throw new ConfigError("config-bad-value", `There is a completion for ${names}, not '${shell}'`, {
    file: undefined,
    line: undefined,
  });
}

/** All flags and options that go with a command; without one, those of `run`. */
export function wordsOf(command: CommandName): readonly Word[] {
  return [
    ...[...commandFacts(command).flags, ...COMMON_FLAGS].flatMap(flagWords),
    ...OPTION_NAMES.flatMap((option) => {
      const { help, flags = [] } = optionFacts(option);
      return [...flags, `--${option}`].map((name): Word => ({ name, help, value: valueOf(name) }));
    }),
  ];
}

function flagWords({ name, short, argument, help }: FlagFacts): Word[] {
  const value = argument === undefined ? "none" : argument === "FILE" ? "file" : "any";
  return [name, ...short === undefined ? [] : [short]].map((word) => ({ name: word, help, value }));
}

function valueOf(written: string): Word["value"] {
  const name = findOption(written.slice(2)) ??
    OPTION_NAMES.find((each) => optionFacts(each).flags?.includes(written));
  if (name === undefined) return "any";
  const { kind, choices, argument } = optionFacts(name);
  if (argument === "DIR") return "folder";
  if (kind === "file") return "file";
  if (choices !== undefined) return choices;
  if (kind === "boolean") return ["0", "1"];
  return kind === "auto-boolean" ? ["0", "1", "auto"] : "any";
}

/** What stands after each command that takes one of some words. */
const OPERANDS: Readonly<Partial<Record<CommandName, readonly string[]>>> = {
  help: COMMAND_NAMES,
  completion: Object.keys(SHELLS),
};

function bashScript(): string {
  const values = new Map(COMMAND_NAMES.flatMap(wordsOf).map(({ name, value }) => [name, value]));
  const cases = [...values].flatMap(([name, value]) => {
    if (value === "none" || value === "any") return [];
    const action = value === "file" ? "-f" : value === "folder" ? "-d" : `-W "${value.join(" ")}"`;
    return [`    ${name}) COMPREPLY=($(compgen ${action} -- "$cur")); return ;;`];
  });
  const free = [...values].filter(([, value]) => value === "any").map(([name]) => name).join("|");
  const options = OPTION_NAMES.flatMap((name) => [
    ...optionFacts(name).flags ?? [],
    `--${name}`,
  ]);
  const words = COMMAND_NAMES.map((command) => {
    const flags = [...commandFacts(command).flags, ...COMMON_FLAGS].flatMap(flagWords);
    const all = [...flags.map(({ name }) => name), ...OPERANDS[command] ?? []];
    return `    ${command}${command === "run" ? "|*" : ""}) words="${all.join(" ")}" ;;`;
  });
  // What stands for any word must come last.
  words.push(...words.splice(0, 1));
  return `# Completion of chive for bash: source <(chive completion bash)
_chive() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" words
  case "$prev" in
${cases.join("\n")}
    ${free}) return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${words.join("\n")}
  esac
  words="$words ${options.join(" ")}"
  if [ "$COMP_CWORD" -eq 1 ]; then words="${COMMAND_NAMES.join(" ")} $words"; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _chive chive
`;
}

function zshScript(): string {
  const commands = COMMAND_NAMES.map((name) =>
    `    '${name}:${zshText(commandFacts(name).summary)}'`
  );
  const cases = COMMAND_NAMES.map((command) => {
    const operands = OPERANDS[command];
    const specs = [
      ...wordsOf(command).map(zshSpec),
      ...operands === undefined ? [] : [`'1: :(${operands.join(" ")})'`],
    ];
    return `    ${command}) _arguments ${specs.join(" \\\n      ")} ;;`;
  });
  return `#compdef chive
# Completion of chive for zsh: save it as _chive in a folder of $fpath
_chive() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  local command=run
  if (( CURRENT == 2 )); then
    _describe command commands
  elif [[ -n "\${commands[(r)\${words[2]}:*]}" ]]; then
    command="\${words[2]}"
    shift words
    (( CURRENT-- ))
  fi
  case "$command" in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_chive" ]; then _chive "$@"; else compdef _chive chive; fi
`;
}

function zshSpec({ name, help, value }: Word): string {
  const action = value === "none"
    ? ""
    : value === "file"
    ? ":file:_files"
    : value === "folder"
    ? ":folder:_files -/"
    : value === "any"
    ? ":value: "
    : `:value:(${value.join(" ")})`;
  return `'*${name}[${zshText(help)}]${action}'`;
}

/** Within single quotes, where brackets and colons mean something. */
function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replace(
    /[[\]:\\]/g,
    (char) => char === "\\" ? char : `\\${char}`,
  );
}

function fishScript(): string {
  const lines = COMMAND_NAMES.map((name) =>
    `complete -c chive -n __fish_use_subcommand -f -a ${name} -d '${
      fishText(commandFacts(name).summary)
    }'`
  );
  const shared = new Set(
    OPTION_NAMES.flatMap((name) => [
      `--${name}`,
      ...optionFacts(name).flags ?? [],
    ]).concat(COMMON_FLAGS.flatMap((flag) => flagWords(flag).map(({ name }) => name))),
  );
  const words = wordsOf("run").filter(({ name }) => shared.has(name));
  lines.push(...words.map((word) => fishLine(word, "")));
  for (const command of COMMAND_NAMES) {
    const alone = wordsOf(command).filter(({ name }) => !shared.has(name));
    const seen = ` -n '__fish_seen_subcommand_from ${command}'`;
    lines.push(...alone.map((word) => fishLine(word, seen)));
    const operands = OPERANDS[command];
    if (operands !== undefined) {
      lines.push(`complete -c chive${seen} -f -a '${operands.join(" ")}'`);
    }
  }
  return `# Completion of chive for fish: chive completion fish | source\n${lines.join("\n")}\n`;
}

function fishLine({ name, help, value }: Word, condition: string): string {
  const names = name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
  const action = value === "none"
    ? ""
    : value === "file"
    ? " -r -F"
    : value === "folder"
    ? " -x -a '(__fish_complete_directories)'"
    : value === "any"
    ? " -x"
    : ` -x -a '${value.join(" ")}'`;
  return `complete -c chive${condition} ${names}${action} -d '${fishText(help)}'`;
}

/** Within single quotes. */
function fishText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
