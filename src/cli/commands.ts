/**
 * Every command that chive has, with its flags: one table for the parser, for help, the man page,
 * the completion of shells and the documents. Options of the configuration are not in it: see
 * `config/options.ts`.
 *
 * @module
 */

/** A flag of the command line that no configuration file can contain. */
export interface FlagFacts {
  /** With its dashes. */
  readonly name: string;
  /** One letter, with its dash. */
  readonly short?: string;
  /** Other long names, with their dashes. */
  readonly otherNames?: readonly string[];
  /** Stands for the value in help; without it the flag takes none. */
  readonly argument?: string;
  /** Whether it may be given more than once, and all values count. */
  readonly repeatable?: true;
  /** What it does, in one line. */
  readonly help: string;
}

/** What can be asked for. */
export interface CommandFacts {
  /** What follows the name, as help shows it; empty: nothing. */
  readonly operands: string;
  /** How many operands there must and may be. */
  readonly least: number;
  readonly most: number;
  /** What it does, in one line. */
  readonly summary: string;
  /** More about it, as paragraphs. */
  readonly details: readonly string[];
  readonly flags: readonly FlagFacts[];
  /** The configuration does not matter for it. */
  readonly withoutOptions?: true;
  /** What exit codes mean, besides 2 for wrong options. */
  readonly exits: readonly (readonly [code: string, meaning: string])[];
}

/** The flags of all commands: where options come from, and what is said. */
export const COMMON_FLAGS = [
  {
    name: "--config",
    short: "-f",
    otherNames: ["--torrc-file"],
    argument: "FILE",
    help:
      "Read options from this file, in the form of C tor's torrc; else from ./torrc if there is one.",
  },
  {
    name: "--ignore-missing-torrc",
    otherNames: ["--allow-missing-torrc"],
    help: "Go on without the file if it is not there.",
  },
  { name: "--help", short: "-h", help: "Show help." },
  { name: "--version", help: "Show the version." },
] as const satisfies readonly FlagFacts[];

/** The flags of `run` alone. */
const RUN_FLAGS = [
  { name: "--verify-config", help: "Check the options and the file, and start nothing." },
  { name: "--hush", help: "Without a Log option: show warnings only." },
  { name: "--quiet", help: "Without a Log option: show nothing." },
  {
    name: "--no-tty",
    help: "Plain log lines on a terminal too; NO_COLOR in the environment does the same.",
  },
] as const satisfies readonly FlagFacts[];

const FAILED = ["1", "It failed; the last line says why and what to do."] as const;

/** All commands by name, in the order of help. */
export const COMMANDS = {
  run: {
    operands: "",
    least: 0,
    most: 0,
    summary:
      "Join the Tor network and open the ports for applications; what chive does without a command.",
    details: [
      "It runs until SIGINT (Ctrl-C) or SIGTERM, which stop it in good order; a second one stops it " +
      "at once. SIGHUP reads the configuration again: what can change does, and what cannot is named " +
      "in a warning. SIGUSR1 logs statistics. (On Windows there are SIGINT and SIGBREAK alone.)",
      "On a terminal the last lines show how far it is and what goes through it, below the log.",
    ],
    flags: RUN_FLAGS,
    exits: [["0", "It was stopped in good order."], FAILED],
  },
  fetch: {
    operands: "URL",
    least: 1,
    most: 1,
    summary: "Download one URL through Tor, without a client that runs already.",
    details: [
      "It joins the network, asks for the URL, writes the answer to standard output or a file, and " +
      "stops. Names are looked up by the exit relay. HTTPS is encrypted from here to the server, whose " +
      "certificate is checked against the usual authorities.",
      "The data directory must not be in use: give --data-dir where a client runs already. Deno needs " +
      "one permission more than for a client: --allow-env=JEST_WORKER_ID,UNDICI_NO_WASM_SIMD.",
    ],
    flags: [
      {
        name: "--output",
        short: "-o",
        argument: "FILE",
        help: "Write the answer to a file, which Deno must be permitted to write.",
      },
      {
        name: "--header",
        short: "-H",
        argument: "'NAME: VALUE'",
        repeatable: true,
        help: "Send this header; may be repeated.",
      },
      { name: "--head", short: "-I", help: "Ask for the headers alone, and show them." },
      {
        name: "--data",
        short: "-d",
        argument: "DATA",
        repeatable: true,
        help:
          "Send this with POST, as a form unless a header says otherwise; @FILE sends a file. May be repeated.",
      },
      { name: "--request", short: "-X", argument: "METHOD", help: "The method, such as PUT." },
      {
        name: "--isolate",
        argument: "TAG",
        help: "Share no circuit with requests of another tag.",
      },
      {
        name: "--cacert",
        argument: "FILE",
        repeatable: true,
        help: "Trust the authorities in this PEM file too; Deno needs --allow-sys for it.",
      },
      { name: "--location", short: "-L", help: "Follow redirects." },
      { name: "--max-time", short: "-m", argument: "SECONDS", help: "Give up after this time." },
      { name: "--fail", help: "Take an answer of 400 or more for a failure: exit code 22." },
      { name: "--silent", short: "-s", help: "Show no progress and no log lines; errors still." },
    ],
    exits: [
      ["0", "The answer was received, whatever its status says."],
      FAILED,
      ["3", "The URL makes no sense."],
      ["6", "There is no host of that name."],
      ["7", "The host, or the Tor network, could not be reached."],
      ["18", "The answer ended before it was whole."],
      ["22", "With --fail: the status is 400 or more."],
      ["23", "The answer could not be written."],
      ["28", "It took too long."],
      ["35", "The server could not agree on TLS."],
      ["56", "The connection failed while the answer came, or the answer makes no sense."],
      ["60", "The server's certificate could not be believed."],
      ["47", "With --location: there were too many redirects."],
      ["130", "It was interrupted."],
    ],
  },
  status: {
    operands: "",
    least: 0,
    most: 0,
    summary: "Tell how a running client is: health, guards, circuits, streams, traffic.",
    details: [
      "It asks the MetricsPort of that client, so it needs one: start the client with " +
      "--metrics-port 9035, and give the same option or file here, or the address with --metrics.",
    ],
    flags: [
      {
        name: "--metrics",
        argument: "[ADDR:]PORT",
        help: "Where the client's MetricsPort is; otherwise the configuration says.",
      },
      { name: "--json", help: "Show all that it tells, as JSON." },
    ],
    exits: [
      ["0", "It would serve a request now."],
      ["1", "It runs, and is not ready."],
      ["3", "It could not be reached."],
    ],
  },
  check: {
    operands: "",
    least: 0,
    most: 0,
    summary: "Check a configuration: what each line does, and all that is wrong with it.",
    details: [
      "It reads what run would read: ./torrc unless -f names another file, and the options of the " +
      "command line after it. Nothing is started and nothing is written.",
    ],
    flags: [],
    exits: [["0", "All of it is understood."]],
  },
  doctor: {
    operands: "",
    least: 0,
    most: 0,
    summary: "Look for what may keep chive from working here: each line says what to do.",
    details: [
      "It looks at the flags that Deno was started with, the data directory, the clock, the ports, and " +
      "opens TCP connections to a few directory servers; nothing is sent on them. With --offline it " +
      "opens none.",
    ],
    flags: [{ name: "--offline", help: "Connect to no other machine." }],
    exits: [["0", "No problem was found."], ["1", "There is a problem."]],
  },
  "import-state": {
    operands: "PATH",
    least: 1,
    most: 1,
    summary: "Take over the guards of a C tor client.",
    details: [
      "PATH is C tor's state file, or the folder that it is in. Neither program may run meanwhile.",
    ],
    flags: [
      {
        name: "--replace",
        help: "Give up guards that chive has used already for those of the file.",
      },
    ],
    exits: [["0", "They are taken over."], FAILED],
  },
  completion: {
    operands: "bash|zsh|fish",
    least: 1,
    most: 1,
    summary: "Write a script with which a shell completes the command line.",
    details: [
      "For example in bash: source <(chive completion bash). The completed command must be called " +
      "chive.",
    ],
    flags: [],
    withoutOptions: true,
    exits: [["0", "It was written."]],
  },
  help: {
    operands: "[COMMAND]",
    least: 0,
    most: 1,
    summary: "Show help on all, or on one command.",
    details: [],
    flags: [],
    withoutOptions: true,
    exits: [["0", "It was shown."]],
  },
} as const satisfies Readonly<Record<string, CommandFacts>>;

/** The name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** All names, in the order of help. */
export const COMMAND_NAMES: readonly CommandName[] = Object.keys(COMMANDS).filter(isCommandName);

/** Whether this is the name of a command. */
export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** What is known about a command, as one type for all. */
export function commandFacts(name: CommandName): CommandFacts {
  return COMMANDS[name];
}

/** A flag's names with its argument: `-f, --config FILE`. */
export function writtenFlag({ name, short, argument }: FlagFacts): string {
  const names = short === undefined ? name : `${short}, ${name}`;
  return argument === undefined ? names : `${names} ${argument}`;
}
