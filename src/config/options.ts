/**
 * Every option that chive has: one table for the parser, for --help and for the suggestion that
 * follows an unknown name. Names, defaults and syntax are C tor's.
 *
 * @module
 */

/**
 * How a value is written:
 *
 * | kind             | written                                    | read as              |
 * | ---------------- | ------------------------------------------ | -------------------- |
 * | `boolean`        | `0` or `1`                                  | boolean              |
 * | `interval`       | `10`, `90 seconds`, `1.5 hours`, ...         | milliseconds         |
 * | `first-interval` | intervals with commas; the first one counts | milliseconds         |
 * | `count`          | 0 to 2147483647                             | number               |
 * | `fraction`       | a decimal number                            | number               |
 * | `choice`         | one of `choices`, in any case               | the choice           |
 * | `path`           | a path, taken as it is                      | string               |
 * | `lines`          | anything; the option may be repeated        | one value per line   |
 */
export type ValueKind =
  | "boolean"
  | "interval"
  | "first-interval"
  | "count"
  | "fraction"
  | "choice"
  | "path"
  | "lines";

/** What is known about an option. */
export interface OptionFacts {
  readonly kind: ValueKind;
  /** As it would be written; undefined where an absent value means something of its own. */
  readonly default?: string;
  /** The default in a testing network, where it is another one. */
  readonly testingDefault?: string;
  /** May be changed in a testing network only. */
  readonly testingOnly?: true;
  readonly choices?: readonly string[];
  /** Friendly long names for the command line, with their dashes. */
  readonly flags?: readonly string[];
  /** Other names that C tor has for it. */
  readonly otherNames?: readonly string[];
  /** Stands for the value in --help. */
  readonly argument: string;
  /** What it does, in one line. */
  readonly help: string;
}

/** All options by C tor's name, in the order of --help. */
export const OPTIONS = {
  DataDirectory: {
    kind: "path",
    default: "./chive-data",
    flags: ["--data-dir"],
    argument: "DIR",
    help: "Where the state and the cached directory are kept.",
  },
  SocksPort: {
    kind: "lines",
    default: "9050",
    flags: ["--socks-port"],
    otherNames: ["__SocksPort"],
    argument: "[ADDR:]PORT|auto|0 [FLAG...]",
    help: "Where applications connect; 0 for none; may be repeated.",
  },
  Log: {
    kind: "lines",
    flags: ["--log-level"],
    otherNames: ["l"],
    argument: "LEVEL[-LEVEL] [stdout|stderr|file PATH]",
    help: "What is logged where: debug, info, notice, warn, err; may be repeated.",
  },
  SafeLogging: {
    kind: "choice",
    default: "1",
    choices: ["0", "1", "relay"],
    argument: "0|1|relay",
    help: "Redact addresses and destinations in logs; relay means no, for a client.",
  },
  SocksTimeout: {
    kind: "interval",
    default: "2 minutes",
    argument: "TIME",
    help: "How long a request waits for a circuit.",
  },
  DirAuthority: {
    kind: "lines",
    otherNames: ["DirServer"],
    argument: "[NICKNAME] [FLAG...] ADDR:DIRPORT FINGERPRINT",
    help: "A directory authority, in place of the public ones; may be repeated.",
  },
  FallbackDir: {
    kind: "lines",
    argument: "ADDR[:DIRPORT] orport=PORT id=FINGERPRINT [ipv6=ADDR:PORT] [weight=NUM]",
    help: "A directory mirror to start from, in place of the public ones; may be repeated.",
  },
  UseDefaultFallbackDirs: {
    kind: "boolean",
    default: "1",
    argument: "0|1",
    help: "Start from the public directory mirrors, when none are given.",
  },
  ClientOnly: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "Accepted for C tor's sake: chive is always a client.",
  },
  AssumeReachable: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "Accepted for C tor's sake: it is about relays.",
  },
  EnforceDistinctSubnets: {
    kind: "boolean",
    default: "1",
    testingDefault: "0",
    argument: "0|1",
    help: "No two relays of one IPv4 /16 or IPv6 /32 in a circuit.",
  },
  NodeFamily: {
    kind: "lines",
    argument: "NODE,NODE,...",
    help: "Relays that are never in one circuit; may be repeated.",
  },
  ClientRejectInternalAddresses: {
    kind: "boolean",
    default: "1",
    testingDefault: "0",
    argument: "0|1",
    help: "Refuse requests for addresses of private networks.",
  },
  ClientDNSRejectInternalAddresses: {
    kind: "boolean",
    default: "1",
    testingDefault: "0",
    argument: "0|1",
    help: "Refuse answers that name addresses of private networks.",
  },
  ExtendAllowPrivateAddresses: {
    kind: "boolean",
    default: "0",
    testingDefault: "1",
    argument: "0|1",
    help: "Build circuits through relays at addresses of private networks.",
  },
  CircuitBuildTimeout: {
    kind: "interval",
    default: "0",
    argument: "TIME",
    help: "How long a circuit may take to be built; 0 for 15 seconds.",
  },
  LearnCircuitBuildTimeout: {
    kind: "boolean",
    default: "1",
    argument: "0|1",
    help:
      "Learn the build timeout from circuits; chive does not yet, and takes CircuitBuildTimeout.",
  },
  MaxCircuitDirtiness: {
    kind: "interval",
    default: "10 minutes",
    argument: "TIME",
    help: "How long a circuit takes new streams after its first.",
  },
  NewCircuitPeriod: {
    kind: "interval",
    default: "30 seconds",
    argument: "TIME",
    help: "How often to look whether a new circuit is needed.",
  },
  KeepalivePeriod: {
    kind: "interval",
    default: "5 minutes",
    argument: "TIME",
    help: "How long a link may be silent before a cell is sent to keep it alive.",
  },
  PathsNeededToBuildCircuits: {
    kind: "fraction",
    argument: "FRACTION",
    help: "How many of all paths must be known before circuits: 0.25 to 0.95.",
  },
  UseEntryGuards: {
    kind: "boolean",
    default: "1",
    otherNames: ["UseHelperNodes", "UseEntryNodes"],
    argument: "0|1",
    help: "Begin all circuits at one of a few long-term guards.",
  },
  NumEntryGuards: {
    kind: "count",
    default: "0",
    otherNames: ["NumHelperNodes", "NumEntryNodes"],
    argument: "NUM",
    help: "How many guards circuits begin at; 0 for the network's value.",
  },
  NumPrimaryGuards: {
    kind: "count",
    default: "0",
    argument: "NUM",
    help: "How many guards are preferred to all others; 0 for the network's value.",
  },
  NumDirectoryGuards: {
    kind: "count",
    default: "0",
    argument: "NUM",
    help: "How many guards are asked for the directory; 0 for the network's value.",
  },
  GuardLifetime: {
    kind: "interval",
    default: "0",
    argument: "TIME",
    help: "How long a guard is kept; 0 for the network's value.",
  },
  TestingTorNetwork: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "The defaults of a private test network; needs DirAuthority.",
  },
  ClientBootstrapConsensusAuthorityDownloadInitialDelay: {
    kind: "first-interval",
    default: "6",
    testingDefault: "0",
    argument: "TIME",
    help: "At first start: wait before asking an authority beside the mirrors.",
  },
  ClientBootstrapConsensusFallbackDownloadInitialDelay: {
    kind: "first-interval",
    default: "0",
    testingDefault: "0",
    argument: "TIME",
    help: "At first start: wait before asking a mirror.",
  },
  ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay: {
    kind: "first-interval",
    default: "0",
    testingDefault: "0",
    argument: "TIME",
    help: "At first start: wait before asking an authority, without mirrors.",
  },
  ClientBootstrapConsensusMaxInProgressTries: {
    kind: "count",
    default: "3",
    argument: "NUM",
    help: "At first start: how many directories are asked at one time.",
  },
  TestingClientDownloadInitialDelay: {
    kind: "first-interval",
    default: "0",
    testingDefault: "0",
    testingOnly: true,
    argument: "TIME",
    help: "Base of the backoff for certificates and microdescriptors.",
  },
  TestingClientConsensusDownloadInitialDelay: {
    kind: "first-interval",
    default: "0",
    testingDefault: "0",
    testingOnly: true,
    argument: "TIME",
    help: "Base of the backoff for the consensus.",
  },
  TestingClientMaxIntervalWithoutRequest: {
    kind: "interval",
    default: "10 minutes",
    testingDefault: "5 seconds",
    testingOnly: true,
    argument: "TIME",
    help: "How long a few missing microdescriptors wait for company.",
  },
  TestingDirConnectionMaxStall: {
    kind: "interval",
    default: "5 minutes",
    testingDefault: "30 seconds",
    testingOnly: true,
    argument: "TIME",
    help: "How long a directory request may make no progress.",
  },
} as const satisfies Readonly<Record<string, OptionFacts>>;

/** The name of an option, as C tor spells it. */
export type OptionName = keyof typeof OPTIONS;

/** The names of all options of one kind. */
export type OptionOfKind<Kind extends ValueKind> = {
  [Name in OptionName]: (typeof OPTIONS)[Name]["kind"] extends Kind ? Name : never;
}[OptionName];

/** All names, in the order of --help. */
export const OPTION_NAMES: readonly OptionName[] = Object.keys(OPTIONS).filter(isOptionName);

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

/** What is known about `name`, as one type for all options. */
export function optionFacts(name: OptionName): OptionFacts {
  return OPTIONS[name];
}

const BY_LOWER_CASE: ReadonlyMap<string, OptionName> = new Map(
  OPTION_NAMES.flatMap((name) =>
    [name, ...(optionFacts(name).otherNames ?? [])].map((known) => [known.toLowerCase(), name])
  ),
);

const BY_FLAG: ReadonlyMap<string, OptionName> = new Map(
  OPTION_NAMES.flatMap((name) =>
    (optionFacts(name).flags ?? []).map((flag): [string, OptionName] => [flag, name])
  ),
);

/** The option that is written `name`, in any case. */
export function findOption(name: string): OptionName | undefined {
  return BY_LOWER_CASE.get(name.toLowerCase());
}

/** The option of a friendly command-line name such as `--data-dir`. */
export function findFlag(flag: string): OptionName | undefined {
  return BY_FLAG.get(flag);
}

/** All friendly command-line names. */
export const FLAGS: readonly string[] = [...BY_FLAG.keys()];
