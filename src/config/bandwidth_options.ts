/**
 * Options about how much may be sent and received.
 *
 * @module
 */
import type { OptionFacts } from "./option_facts.ts";

/** By C tor's name, in the order of --help. */
export const BANDWIDTH_OPTIONS = {
  BandwidthRate: {
    kind: "memory",
    default: "1 GB",
    otherNames: ["BandwidthRateBytes"],
    argument: "AMOUNT",
    help: "Bytes per second to and from relays, each way, on average; 1 GB or more for no limit.",
    details: "Units are bytes, KBytes, MBytes, GBytes, and KBits, MBits, GBits.",
  },
  BandwidthBurst: {
    kind: "memory",
    default: "1 GB",
    otherNames: ["BandwidthBurstBytes"],
    argument: "AMOUNT",
    help: "How many bytes may go at once after a pause; not less than BandwidthRate.",
  },
} as const satisfies Readonly<Record<string, OptionFacts>>;
