/**
 * Options about what a person and their applications see of the client.
 *
 * @module
 */
import { BUILD } from "../runtime/build.ts";
import type { OptionFacts } from "./option_facts.ts";

/** By C tor's name, in the order of --help. */
export const GENERAL_OPTIONS = {
  DataDirectory: {
    kind: "path",
    default: BUILD.dataDirectory,
    flags: ["--data-dir"],
    argument: "DIR",
    help: "Where the state and the cached directory are kept.",
    details:
      "One client at a time can use it. Deno must be permitted to read and write it: deno task " +
      "start permits ./chive-data alone.",
  },
  Log: {
    kind: "lines",
    flags: ["--log-level"],
    otherNames: ["l"],
    argument: "LEVEL[-LEVEL] [stdout|stderr|file PATH]",
    help: "What is logged where: debug, info, notice, warn, err; may be repeated.",
    details:
      "What lines are about can be chosen too: '[guard,circuit]info [*]notice file chive.log'. " +
      "Files are appended to, created with mode 0600, and put aside by LogMaxSize.",
  },
  SafeLogging: {
    kind: "choice",
    default: "1",
    choices: ["0", "1", "relay"],
    argument: "0|1|relay",
    help: "Redact addresses and destinations in logs; relay means no, for a client.",
    details: "With 0, the log says who was talked to: for finding faults only.",
  },
  SocksTimeout: {
    kind: "interval",
    default: "2 minutes",
    argument: "TIME",
    help: "How long a request waits for a circuit.",
    details: "It counts from the request until the stream is open, with all tries.",
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
  DormantTimeoutEnabled: {
    kind: "boolean",
    default: "1",
    argument: "0|1",
    help: "Go to sleep after a time without use.",
  },
  DormantClientTimeout: {
    kind: "interval",
    default: "24 hours",
    argument: "TIME",
    help: "How long without use before that; at least 10 minutes.",
    details:
      "A client that sleeps fetches no directory and builds no circuits; the next request wakes" +
      " it, and takes some seconds longer.",
  },
  DormantTimeoutDisabledByIdleStreams: {
    kind: "boolean",
    default: "1",
    argument: "0|1",
    help: "An open connection counts as use even if it carries nothing.",
  },
  DormantOnFirstStartup: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "Begin a first start asleep, until there is a request.",
  },
  DormantCanceledByStartup: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "Wake up at every start, also where the last run ended asleep.",
  },
} as const satisfies Readonly<Record<string, OptionFacts>>;
