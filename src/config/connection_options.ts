/**
 * Options about the links to relays, and about addresses.
 *
 * @module
 */
import type { OptionFacts } from "./option_facts.ts";

/** By C tor's name, in the order of --help. */
export const CONNECTION_OPTIONS = {
  ClientUseIPv4: {
    kind: "boolean",
    default: "1",
    argument: "0|1",
    help: "Connect to relays over IPv4.",
  },
  ClientUseIPv6: {
    kind: "boolean",
    default: "1",
    argument: "0|1",
    help: "Connect to relays over IPv6, where they have it.",
  },
  ClientPreferIPv6ORPort: {
    kind: "auto-boolean",
    default: "auto",
    argument: "0|1|auto",
    help: "Of two addresses of a relay take the IPv6 one; auto: only if IPv4 is not used.",
  },
  ConnectionPadding: {
    kind: "auto-boolean",
    default: "auto",
    argument: "0|1|auto",
    help: "Hide from observers of the network what a link carries; auto: where the relay can.",
    details: "It costs some hundred bytes every few seconds on a link that is open.",
  },
  ReducedConnectionPadding: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "Less padding, and links that close sooner: for mobile networks.",
  },
  KeepalivePeriod: {
    kind: "interval",
    default: "5 minutes",
    argument: "TIME",
    help: "How long a link may be silent before a cell is sent to keep it alive.",
  },
  ConnectBackoffInitial: {
    kind: "precise-interval",
    default: "1 second",
    argument: "TIME",
    help: "Pause before a failed connection to a relay is tried again.",
  },
  ConnectBackoffMultiplier: {
    kind: "decimal",
    default: "2.0",
    argument: "NUM",
    help: "How many times longer each pause is than the one before; 1 or more.",
  },
  ConnectBackoffMax: {
    kind: "precise-interval",
    default: "30 seconds",
    argument: "TIME",
    help: "The longest such pause.",
  },
  ConnectBackoffJitter: {
    kind: "decimal",
    default: "0.25",
    argument: "FRACTION",
    help: "By how much, at random, a pause is made shorter or longer: 0 to 1.",
  },
  MaxOpenChannels: {
    kind: "count",
    default: "128",
    argument: "NUM",
    help: "How many links to relays may be open at one time.",
    details: "A client seldom has more than ten.",
  },
  MaxConnectingChannels: {
    kind: "count",
    default: "16",
    argument: "NUM",
    help: "How many links to relays may be being opened at one time.",
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
} as const satisfies Readonly<Record<string, OptionFacts>>;
