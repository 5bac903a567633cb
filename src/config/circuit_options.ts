/**
 * Options about circuits: when they are built and how long they are used.
 *
 * @module
 */
import type { OptionFacts } from "./option_facts.ts";

/** By C tor's name, in the order of --help. */
export const CIRCUIT_OPTIONS = {
  CircuitBuildTimeout: {
    kind: "interval",
    default: "0",
    argument: "TIME",
    help:
      "How long a circuit may take to be built until that is learned; 0 for the network's value.",
  },
  LearnCircuitBuildTimeout: {
    kind: "boolean",
    default: "1",
    argument: "0|1",
    help: "Learn that time from the circuits that are built.",
  },
  CircuitsAvailableTimeout: {
    kind: "interval",
    default: "0",
    argument: "TIME",
    help: "How long unused circuits are kept ready, up to 24 hours; 0 for the network's value.",
  },
  MaxClientCircuitsPending: {
    kind: "count",
    default: "32",
    argument: "NUM",
    help: "How many circuits may be under construction at one time: 1 to 1024.",
  },
  MaxCircuitDirtiness: {
    kind: "interval",
    default: "10 minutes",
    argument: "TIME",
    help: "How long a circuit takes new streams after its first.",
    details: "10 seconds to 30 days. Streams that are open stay where they are.",
  },
  NewCircuitPeriod: {
    kind: "interval",
    default: "30 seconds",
    argument: "TIME",
    help: "How often to look whether a new circuit is needed.",
  },
  ConfluxEnabled: {
    kind: "auto-boolean",
    default: "auto",
    argument: "0|1|auto",
    help: "Carry streams over two circuits to one exit; auto: where the network has it.",
    details:
      "Such a pair is faster than one circuit. It always begins at two different guards, so that " +
      "both are in use at all times.",
  },
  ConfluxClientUX: {
    kind: "choice",
    default: "throughput",
    choices: ["throughput", "latency", "throughput_lowmem", "latency_lowmem"],
    argument: "WISH",
    help: "What exits are asked to send for over two circuits: throughput, latency, ..._lowmem.",
  },
  LongLivedPorts: {
    kind: "ports",
    default: "21,22,706,1863,5050,5190,5222,5223,6523,6667,6697,8300",
    argument: "PORT,PORT,...",
    help: "Ports of long connections: their circuits are made of stable relays.",
    details: "Circuits of stable relays last longer, and there are fewer relays to choose from.",
  },
  PathsNeededToBuildCircuits: {
    kind: "fraction",
    default: "-1",
    argument: "FRACTION",
    help:
      "How many of all paths must be known before circuits: 0.25 to 0.95; -1 for the network's value.",
  },
} as const satisfies Readonly<Record<string, OptionFacts>>;
