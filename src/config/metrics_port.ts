/**
 * MetricsPort lines, `[ADDR:]PORT|auto|0 [prometheus]`, and who may ask there.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../runtime/network.ts";
import { type AccessPolicy, LOOPBACK_ONLY, parseAccessPolicy } from "./access_policy.ts";
import { addressReach, parseIpAddress } from "./address.ts";
import { ConfigError } from "./errors.ts";
import type { Remarks, Settings } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";
import { parseCount, splitList } from "./values.ts";

/** Where the client tells about itself, and whom. */
export interface MetricsOptions {
  /** Empty: nowhere. A port of 0 asks the system for a free one. */
  readonly ports: readonly SocketAddress[];
  readonly policy: AccessPolicy;
  /** Names in lower case that requests may be for, besides localhost and IP addresses. */
  readonly hosts: readonly string[];
}

const LOOPBACK = "127.0.0.1";

/**
 * Reads MetricsPort, MetricsPortPolicy and MetricsPortHosts.
 *
 * @param remarks gets a warning for a port that others than this machine can reach
 * @throws ConfigError for a line that is not understood, or 0 beside a port
 */
export function readMetrics(settings: Settings, remarks: Remarks): MetricsOptions {
  const lines = settings.lines("MetricsPort");
  const ports = lines.map(parsePort).filter((port) => port !== undefined);
  if (ports.length > 0 && ports.length < lines.length) {
    throw settings.conflict("MetricsPort", "0, which means none, stands beside another one.");
  }
  const policies = settings.lines("MetricsPortPolicy");
  const policy = policies.length === 0
    ? LOOPBACK_ONLY
    : parseAccessPolicy("MetricsPortPolicy", policies, false);
  for (const port of ports) {
    if (addressReach(port.hostname) === "loopback") continue;
    remarks.warnings.push(
      `MetricsPort ${
        formatAddress(port)
      } is not on this machine alone, and not encrypted: who can ` +
        "read it learns your guards and when you use Tor. " + (policies.length === 0
          ? "Without MetricsPortPolicy only this machine is answered."
          : "Accept as few addresses as possible with MetricsPortPolicy."),
    );
  }
  return { ports, policy, hosts: settings.lines("MetricsPortHosts").flatMap(parseHosts) };
}

function parsePort(line: ConfigLine): SocketAddress | undefined {
  const [place, format, ...more] = line.value.split(/[\t-\r ]+/);
  if (more.length > 0 || (format !== undefined && format.toLowerCase() !== "prometheus")) {
    throw badPort(line, `the format is not understood; there is prometheus alone`);
  }
  const colon = place.lastIndexOf(":");
  const port = place.slice(colon + 1).toLowerCase();
  const number = port === "auto" ? 0 : parseCount(port, colon === -1 ? 0 : 1, 65535);
  const hostname = colon === -1 ? LOOPBACK : hostAddress(place.slice(0, colon));
  if (number === undefined || hostname === undefined) {
    throw badPort(
      line,
      "expected a port from 1 to 65535, 'auto' or 0, with an IP address and a colon before it if " +
        "wanted (IPv6 in brackets)",
    );
  }
  return number === 0 && port !== "auto" ? undefined : { hostname, port: number };
}

function hostAddress(host: string): string | undefined {
  if (host.toLowerCase() === "localhost") return LOOPBACK;
  // Without brackets it would be unclear which colon is before the port.
  return host.includes(":") && !host.startsWith("[") ? undefined : parseIpAddress(host);
}

function badPort(line: ConfigLine, reason: string): ConfigError {
  return new ConfigError(
    "config-bad-value",
    `MetricsPort '${line.value}': ${reason}.`,
    line.origin,
  );
}

function parseHosts(line: ConfigLine): string[] {
  return splitList(line.value).map((name) => {
    if (/^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_])?$/i.test(name)) return name.toLowerCase();
    throw new ConfigError(
      "config-bad-value",
      `MetricsPortHosts '${name}' is no host name, without a port, such as chive.internal.`,
      line.origin,
    );
  });
}
