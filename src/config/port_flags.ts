/**
 * The flags after the place in a line of SocksPort, HTTPTunnelPort or DNSPort.
 *
 * @module
 */
import type { ClientPort, ClientPortKind, PortPlace } from "./config.ts";
import { ConfigError } from "./errors.ts";
import type { Remarks } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";
import { parseCount } from "./values.ts";

/** What the flags say about a port. */
export type PortFlags = Omit<ClientPort, "place" | "origin">;

/** The flags that chive can keep, in lower case and without a final s, and what each sets. */
const FLAGS: ReadonlyMap<string, FlagField> = new Map([
  ["isolateclientaddr", "clientAddress"],
  ["isolatesocksauth", "socksAuth"],
  ["isolateclientprotocol", "clientProtocol"],
  ["isolatedestport", "destinationPort"],
  ["isolatedestaddr", "destinationAddress"],
  ["keepaliveisolatesocksauth", "keepAliveSocksAuth"],
  ["ipv4traffic", "ipv4"],
  ["ipv6traffic", "ipv6"],
  ["preferipv6", "preferIpv6"],
  ["dnsrequest", "dnsRequest"],
  ["preferipv6automap", "preferIpv6Automap"],
  ["prefersocksnoauth", "preferSocksNoAuth"],
]);

/**
 * C tor's other flags, in lower case, each with whether it is on in chive. To write what is so
 * anyway is accepted.
 */
const FIXED_FLAGS: ReadonlyMap<string, boolean> = new Map([
  ["oniontraffic", false],
  ["oniontrafficonly", false],
  ["extendederrors", false],
  ["groupwritable", false],
  ["worldwritable", false],
  ["relaxdirmodecheck", false],
]);

/** Flags about answers of DNS that are kept, which chive does not do. */
const CACHE_FLAGS: ReadonlySet<string> = new Set([
  "cacheipv4dns",
  "cacheipv6dns",
  "cachedns",
  "useipv4cache",
  "useipv6cache",
  "usednscache",
]);

/** Flags about who else may use a socket. */
const SOCKET_FLAGS: ReadonlySet<string> = new Set([
  "groupwritable",
  "worldwritable",
  "relaxdirmodecheck",
]);

type FlagField =
  | "clientAddress"
  | "socksAuth"
  | "clientProtocol"
  | "destinationPort"
  | "destinationAddress"
  | "keepAliveSocksAuth"
  | "ipv4"
  | "ipv6"
  | "preferIpv6"
  | "dnsRequest"
  | "preferIpv6Automap"
  | "preferSocksNoAuth";

type FlagValues = Record<FlagField, boolean>;

/** One line with what its flags may be about. */
interface FlaggedLine {
  readonly kind: ClientPortKind;
  readonly line: ConfigLine;
  readonly remarks: Remarks;
}

/**
 * Reads the flags of one line; of several about the same thing the last counts.
 *
 * @param place undefined where the line opens nothing
 * @param ownGroup the session group where the line names none
 * @throws ConfigError for flags that are unknown, not supported or contradictory
 */
export function parsePortFlags(
  kind: ClientPortKind,
  place: PortPlace | undefined,
  flags: string,
  ownGroup: number,
  line: ConfigLine,
  remarks: Remarks,
): PortFlags {
  const flagged: FlaggedLine = { kind, line, remarks };
  const values: FlagValues = {
    clientAddress: true,
    socksAuth: true,
    clientProtocol: false,
    destinationPort: false,
    destinationAddress: false,
    keepAliveSocksAuth: false,
    ipv4: true,
    ipv6: true,
    preferIpv6: false,
    dnsRequest: true,
    preferIpv6Automap: true,
    preferSocksNoAuth: false,
  };
  let group: number | undefined;
  for (const flag of flags.split(/[\t-\r ]+/).filter((word) => word !== "")) {
    if (/^sessiongroup=/i.test(flag)) {
      if (group !== undefined) throw badFlag("config-conflict", flag, "a second group", flagged);
      group = parseCount(flag.slice("SessionGroup=".length));
      if (group === undefined) {
        throw badFlag("config-bad-value", flag, "expected a number from 0 to 2147483647", flagged);
      }
    } else {
      applyFlag(flag, values, flagged);
    }
  }
  checkValues(values, flagged);
  const { ipv4, ipv6, preferIpv6, dnsRequest, preferIpv6Automap, preferSocksNoAuth, ...isolation } =
    values;
  // The applications behind a Unix socket have no addresses.
  const clientAddress = isolation.clientAddress && place?.kind !== "unix";
  return {
    isolation: { ...isolation, clientAddress, sessionGroup: group ?? ownGroup },
    traffic: { ipv4, ipv6, preferIpv6 },
    dnsRequest,
    preferIpv6Automap,
    // Where a password would change nothing, it is not asked for.
    preferSocksNoAuth: preferSocksNoAuth || !isolation.socksAuth,
  };
}

function checkValues(values: FlagValues, { kind, line }: FlaggedLine): void {
  if (!values.ipv4 && !values.ipv6 && kind !== "DNSPort") {
    throw new ConfigError(
      "config-conflict",
      `${kind}: with NoIPv4Traffic and NoIPv6Traffic nothing could be reached.`,
      line.origin,
    );
  }
  if (!values.dnsRequest && kind === "DNSPort") {
    throw new ConfigError(
      "config-conflict",
      "DNSPort: with NoDNSRequest nothing could be answered.",
      line.origin,
    );
  }
  if (values.keepAliveSocksAuth && !values.socksAuth) {
    throw new ConfigError(
      "config-conflict",
      `${kind}: KeepAliveIsolateSOCKSAuth cannot be used with NoIsolateSOCKSAuth.`,
      line.origin,
    );
  }
}

function applyFlag(flag: string, values: FlagValues, line: FlaggedLine): void {
  const lower = flag.toLowerCase();
  const on = !lower.startsWith("no");
  const name = on ? lower : lower.slice(2);
  // C tor allows a plural s on the isolation flags only.
  const field = FLAGS.get(name.startsWith("isolate") ? name.replace(/s$/, "") : name);
  if (field !== undefined) {
    values[field] = on;
    return;
  }
  if (CACHE_FLAGS.has(name)) {
    if (on) line.remarks.warnings.push(cacheWarning(flag, line.kind));
    return;
  }
  const fixed = FIXED_FLAGS.get(name);
  if (fixed === on) return;
  if (fixed === undefined) throw badFlag("config-bad-value", flag, "there is no such flag", line);
  const reason = SOCKET_FLAGS.has(name)
    ? "the socket is for the user who runs chive alone"
    : "this flag is not supported";
  throw badFlag("config-unsupported", flag, reason, line);
}

function cacheWarning(flag: string, kind: ClientPortKind): string {
  return `${kind}: the flag ${flag} is ignored: an exit that lies once about an address could lead ` +
    "you there again and again if answers were kept.";
}

function badFlag(
  code: "config-bad-value" | "config-conflict" | "config-unsupported",
  flag: string,
  reason: string,
  { kind, line }: FlaggedLine,
): ConfigError {
  return new ConfigError(code, `${kind}: '${flag}': ${reason}.`, line.origin);
}
