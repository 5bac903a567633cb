/**
 * SocksPort lines: `[ADDR:]PORT|auto|0 [FLAG...]`.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../runtime/network.ts";
import { addressReach, parseIpAddress } from "./address.ts";
import type { SocksPort } from "./config.ts";
import { ConfigError } from "./errors.ts";
import type { Remarks } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";
import { parseCount } from "./values.ts";

/** Where a port without an address listens. */
const LOOPBACK = "127.0.0.1";

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
]);

/**
 * C tor's other flags, in lower case, each with whether it is on in chive. To write what is so
 * anyway is accepted.
 */
const FIXED_FLAGS: ReadonlyMap<string, boolean> = new Map([
  ["dnsrequest", true],
  ["oniontraffic", false],
  ["oniontrafficonly", false],
  ["cacheipv4dns", false],
  ["cacheipv6dns", false],
  ["cachedns", false],
  ["useipv4cache", false],
  ["useipv6cache", false],
  ["usednscache", false],
  ["preferipv6automap", false],
  ["prefersocksnoauth", false],
  ["extendederrors", false],
  ["groupwritable", false],
  ["worldwritable", false],
  ["relaxdirmodecheck", false],
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
  | "preferIpv6";

type FlagValues = Record<FlagField, boolean>;

/**
 * Reads all SocksPort lines together; the ones that are 0 give no listener.
 *
 * @param remarks gets a warning or notice for a listener that others than this machine can reach
 * @throws ConfigError for a line that is not understood, an unknown flag, or 0 beside a port
 */
export function parseSocksPorts(lines: readonly ConfigLine[], remarks: Remarks): SocksPort[] {
  const ports: SocksPort[] = [];
  for (const [index, line] of lines.entries()) {
    const [place, ...flags] = line.value.split(/[\t-\r ]+/);
    const address = parsePlace(place, line);
    const port = applyFlags(flags, -1 - index, line);
    if (address === undefined) continue;
    remarkReach(address, remarks);
    ports.push({ ...address, ...port });
  }
  if (ports.length > 0 && ports.length < lines.length) {
    throw new ConfigError(
      "config-conflict",
      "There is a SocksPort 0, which means none, beside another SocksPort.",
      lines[0].origin,
    );
  }
  return ports;
}

/** The address to listen at, or undefined for `0`. */
function parsePlace(place: string, line: ConfigLine): SocketAddress | undefined {
  if (place.startsWith("unix:")) {
    throw new ConfigError(
      "config-unsupported",
      "SocksPort: Unix sockets are not supported; write a port.",
      line.origin,
    );
  }
  if (/^[0-9]+$/.test(place)) {
    const port = parseCount(place, 0, 65535);
    if (port === undefined) throw badPlace(place, line);
    return port === 0 ? undefined : { hostname: LOOPBACK, port };
  }
  if (place.toLowerCase() === "auto") return { hostname: LOOPBACK, port: 0 };
  const colon = place.lastIndexOf(":");
  const host = place.slice(0, Math.max(colon, 0));
  const hostname = hostAddress(host);
  const written = place.slice(colon + 1);
  const port = written.toLowerCase() === "auto" ? 0 : parseCount(written, 1, 65535);
  if (hostname === undefined || port === undefined) throw badPlace(place, line);
  return { hostname, port };
}

function hostAddress(host: string): string | undefined {
  if (host.toLowerCase() === "localhost") return LOOPBACK;
  // Without brackets it would be unclear which colon is before the port.
  return host.includes(":") && !host.startsWith("[") ? undefined : parseIpAddress(host);
}

function badPlace(place: string, line: ConfigLine): ConfigError {
  return new ConfigError(
    "config-bad-value",
    `SocksPort '${place}' is not understood; expected a port from 1 to 65535, 'auto' or 0, with ` +
      "an IP address and a colon before it if wanted (IPv6 in brackets).",
    line.origin,
  );
}

function applyFlags(
  flags: readonly string[],
  ownGroup: number,
  line: ConfigLine,
): Pick<SocksPort, "isolation" | "traffic"> {
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
  };
  let group: number | undefined;
  for (const flag of flags) {
    if (/^sessiongroup=/i.test(flag)) {
      if (group !== undefined) throw badFlag("config-conflict", flag, "a second group", line);
      group = parseCount(flag.slice("SessionGroup=".length));
      if (group === undefined) {
        throw badFlag("config-bad-value", flag, "expected a number from 0 to 2147483647", line);
      }
    } else {
      applyFlag(flag, values, line);
    }
  }
  const { ipv4, ipv6, preferIpv6, ...isolation } = values;
  if (!ipv4 && !ipv6) {
    throw new ConfigError(
      "config-conflict",
      "SocksPort: with NoIPv4Traffic and NoIPv6Traffic nothing could be reached.",
      line.origin,
    );
  }
  if (isolation.keepAliveSocksAuth && !isolation.socksAuth) {
    throw new ConfigError(
      "config-conflict",
      "SocksPort: KeepAliveIsolateSOCKSAuth cannot be used with NoIsolateSOCKSAuth.",
      line.origin,
    );
  }
  return {
    isolation: { ...isolation, sessionGroup: group ?? ownGroup },
    traffic: { ipv4, ipv6, preferIpv6 },
  };
}

function applyFlag(flag: string, values: FlagValues, line: ConfigLine): void {
  const lower = flag.toLowerCase();
  const on = !lower.startsWith("no");
  const name = on ? lower : lower.slice(2);
  // C tor allows a plural s on the isolation flags only.
  const field = FLAGS.get(name.startsWith("isolate") ? name.replace(/s$/, "") : name);
  if (field !== undefined) {
    values[field] = on;
    return;
  }
  const fixed = FIXED_FLAGS.get(name);
  if (fixed === on) return;
  if (fixed === undefined) throw badFlag("config-bad-value", flag, "there is no such flag", line);
  throw badFlag("config-unsupported", flag, "this flag is not supported", line);
}

function badFlag(
  code: "config-bad-value" | "config-conflict" | "config-unsupported",
  flag: string,
  reason: string,
  line: ConfigLine,
): ConfigError {
  return new ConfigError(code, `SocksPort: '${flag}': ${reason}.`, line.origin);
}

function remarkReach(address: SocketAddress, remarks: Remarks): void {
  const reach = addressReach(address.hostname);
  const where = formatAddress(address);
  if (reach === "public") {
    remarks.warnings.push(
      `SocksPort ${where} is reachable from other machines: whoever finds it can use it as an ` +
        "open proxy. Listen on 127.0.0.1 unless you have a good reason.",
    );
  } else if (reach === "internal") {
    remarks.notices.push(
      `SocksPort ${where} is reachable from your local network: everybody there can use it.`,
    );
  }
}
