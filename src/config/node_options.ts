/**
 * Options about which relays stand where in a circuit.
 *
 * @module
 */
import type { OptionFacts } from "./option_facts.ts";

/** By C tor's name, in the order of --help. */
export const NODE_OPTIONS = {
  ExcludeNodes: {
    kind: "lines",
    argument: "NODE,NODE,...",
    help:
      "Relays that are not used: $FINGERPRINT, name, address/bits or {country}; may be repeated.",
    details:
      "Every choice of relays makes you easier to tell from others. A country needs GeoIPFile.",
  },
  ExcludeExitNodes: {
    kind: "lines",
    argument: "NODE,NODE,...",
    help: "Relays that are not used as exits; may be repeated.",
  },
  EntryNodes: {
    kind: "lines",
    argument: "NODE,NODE,...",
    help: "Begin circuits at these relays only; may be repeated.",
    details: "Without need leave it: guards are chosen so that few relays ever see you.",
  },
  MiddleNodes: {
    kind: "lines",
    argument: "NODE,NODE,...",
    help: "Use only these relays in the middle of circuits; may be repeated.",
  },
  ExitNodes: {
    kind: "lines",
    argument: "NODE,NODE,...",
    help: "End circuits at these relays only; may be repeated.",
    details: "Without need leave it: it makes you easier to tell from others.",
  },
  StrictNodes: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "Avoid ExcludeNodes for requests to the directory too, even if then nothing works.",
    details: "Circuits never pass excluded relays, whatever this says.",
  },
  GeoIPFile: {
    kind: "file",
    argument: "FILE",
    help: "C tor's file of the countries of IPv4 addresses; needed for {country}.",
  },
  GeoIPv6File: {
    kind: "file",
    argument: "FILE",
    help: "C tor's file of the countries of IPv6 addresses.",
  },
  GeoIPExcludeUnknown: {
    kind: "auto-boolean",
    default: "auto",
    argument: "0|1|auto",
    help: "Exclude relays of no known country too; auto: where any country is excluded.",
  },
  NodeFamily: {
    kind: "lines",
    argument: "NODE,NODE,...",
    help: "Relays that are never in one circuit; may be repeated.",
  },
  EnforceDistinctSubnets: {
    kind: "boolean",
    default: "1",
    testingDefault: "0",
    argument: "0|1",
    help: "No two relays of one IPv4 /16 or IPv6 /32 in a circuit.",
  },
  UseEntryGuards: {
    kind: "boolean",
    default: "1",
    otherNames: ["UseHelperNodes", "UseEntryNodes"],
    argument: "0|1",
    help: "Begin all circuits at one of a few long-term guards.",
    details: "0 lets every relay of the network see you in time; it is for tests.",
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
  PathBiasCircThreshold: {
    kind: "count-or-network",
    default: "-1",
    argument: "NUM",
    help: "How many circuits a guard must have begun before its share of built ones is judged.",
  },
  PathBiasNoticeRate: {
    kind: "fraction",
    default: "-1",
    argument: "FRACTION",
    help: "Below this share of circuits built through a guard, a notice is logged.",
  },
  PathBiasWarnRate: {
    kind: "fraction",
    default: "-1",
    argument: "FRACTION",
    help: "Below this share of circuits built through a guard, a warning is logged.",
  },
  PathBiasExtremeRate: {
    kind: "fraction",
    default: "-1",
    argument: "FRACTION",
    help: "Below this share of circuits built through a guard, it may be dropped.",
  },
  PathBiasDropGuards: {
    kind: "auto-boolean",
    default: "0",
    argument: "0|1|auto",
    help: "Drop such guards; auto for the network's value.",
  },
  PathBiasScaleThreshold: {
    kind: "count-or-network",
    default: "-1",
    argument: "NUM",
    help: "At this many circuits the counts of a guard are scaled down.",
  },
  PathBiasUseThreshold: {
    kind: "count-or-network",
    default: "-1",
    argument: "NUM",
    help: "How many circuits of a guard must have been used before their success is judged.",
  },
  PathBiasNoticeUseRate: {
    kind: "fraction",
    default: "-1",
    argument: "FRACTION",
    help: "Below this share of successfully used circuits of a guard, a notice is logged.",
  },
  PathBiasExtremeUseRate: {
    kind: "fraction",
    default: "-1",
    argument: "FRACTION",
    help: "Below this share of successfully used circuits of a guard, it may be dropped.",
  },
  PathBiasScaleUseThreshold: {
    kind: "count-or-network",
    default: "-1",
    argument: "NUM",
    help: "At this many used circuits the counts of use of a guard are scaled down.",
  },
} as const satisfies Readonly<Record<string, OptionFacts>>;
