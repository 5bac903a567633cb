/**
 * Lines of SocksPort, HTTPTunnelPort and DNSPort: `[ADDR:]PORT|unix:PATH|auto|0 [FLAG...]`.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../runtime/network.ts";
import { addressReach, parseIpAddress } from "./address.ts";
import type { ClientPort, ClientPortKind, PortPlace } from "./config.ts";
import { ConfigError } from "./errors.ts";
import { parsePortFlags } from "./port_flags.ts";
import { checkPath, type Remarks } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";
import { parseCount } from "./values.ts";

/** Where a port without an address listens. */
const LOOPBACK = "127.0.0.1";

/** The longest path that the system takes for a Unix socket, in bytes. */
const LONGEST_SOCKET_PATH = 107;

/** A line as far as it is about the place. */
interface PlacedLine {
  /** Undefined for `0`. */
  readonly place: PortPlace | undefined;
  readonly flags: string;
}

/**
 * Reads all lines of one kind of port together; the ones that are 0 give no listener.
 *
 * @param ownGroups gives each line a session group of its own, negative
 * @param remarks gets a warning or notice for a listener that others than this machine can reach
 * @throws ConfigError for a line that is not understood, an unknown flag, or 0 beside a port
 */
export function parseClientPorts(
  kind: ClientPortKind,
  lines: readonly ConfigLine[],
  ownGroups: () => number,
  remarks: Remarks,
): ClientPort[] {
  const ports: ClientPort[] = [];
  for (const line of lines) {
    const { place, flags } = parsePlace(kind, line);
    const flagged = parsePortFlags(kind, place, flags, ownGroups(), line, remarks);
    if (place === undefined) continue;
    if (place.kind === "tcp") remarkReach(kind, place, remarks);
    ports.push({ place, origin: line.origin, ...flagged });
  }
  if (ports.length > 0 && ports.length < lines.length) {
    throw new ConfigError(
      "config-conflict",
      `There is a ${kind} 0, which means none, beside another ${kind}.`,
      lines[0].origin,
    );
  }
  return ports;
}

function parsePlace(kind: ClientPortKind, line: ConfigLine): PlacedLine {
  if (line.value.startsWith("unix:")) return parseUnixPlace(kind, line);
  const [written, flags] = splitFirst(line.value);
  const address = parseTcpPlace(kind, written, line);
  return { place: address === undefined ? undefined : { kind: "tcp", ...address }, flags };
}

/** `unix:PATH`, or with blanks in it `unix:"PATH"`, where a backslash escapes itself and a quote. */
function parseUnixPlace(kind: ClientPortKind, line: ConfigLine): PlacedLine {
  if (kind === "DNSPort") {
    throw new ConfigError(
      "config-unsupported",
      "DNSPort: DNS does not go over Unix sockets; write a port.",
      line.origin,
    );
  }
  const rest = line.value.slice("unix:".length);
  const quoted = /^"((?:[^"\\]|\\["\\])*)"(?:[\t-\r ]+([^]*))?$/.exec(rest);
  const [path, flags] = quoted === null
    ? splitFirst(rest)
    : [quoted[1].replaceAll(/\\(.)/g, "$1"), quoted[2] ?? ""];
  if (path === "" || (quoted === null && path.startsWith('"'))) {
    throw new ConfigError(
      "config-bad-value",
      `${kind} '${line.value}' is not understood; expected unix:PATH or unix:"PATH".`,
      line.origin,
    );
  }
  checkPath(kind, path, line);
  if (new TextEncoder().encode(path).length > LONGEST_SOCKET_PATH) {
    throw new ConfigError(
      "config-bad-value",
      `${kind}: the path of a Unix socket may have ${LONGEST_SOCKET_PATH} bytes, and this one is ` +
        "longer; write it relative to the folder that chive is started in.",
      line.origin,
    );
  }
  return { place: { kind: "unix", path }, flags };
}

/** The first word, and what follows the blanks after it. */
function splitFirst(text: string): [string, string] {
  const blank = /[\t-\r ]+/.exec(text);
  return blank === null
    ? [text, ""]
    : [text.slice(0, blank.index), text.slice(blank.index + blank[0].length)];
}

/** The address to listen at, or undefined for `0`. */
function parseTcpPlace(
  kind: ClientPortKind,
  written: string,
  line: ConfigLine,
): SocketAddress | undefined {
  if (/^[0-9]+$/.test(written)) {
    const port = parseCount(written, 0, 65535);
    if (port === undefined) throw badPlace(kind, written, line);
    return port === 0 ? undefined : { hostname: LOOPBACK, port };
  }
  if (written.toLowerCase() === "auto") return { hostname: LOOPBACK, port: 0 };
  const colon = written.lastIndexOf(":");
  const hostname = hostAddress(written.slice(0, Math.max(colon, 0)));
  const last = written.slice(colon + 1);
  const port = last.toLowerCase() === "auto" ? 0 : parseCount(last, 1, 65535);
  if (hostname === undefined || port === undefined) throw badPlace(kind, written, line);
  return { hostname, port };
}

function hostAddress(host: string): string | undefined {
  if (host.toLowerCase() === "localhost") return LOOPBACK;
  // Without brackets it would be unclear which colon is before the port.
  return host.includes(":") && !host.startsWith("[") ? undefined : parseIpAddress(host);
}

function badPlace(kind: ClientPortKind, written: string, line: ConfigLine): ConfigError {
  const sockets = kind === "DNSPort" ? "" : "; or unix: and a path";
  return new ConfigError(
    "config-bad-value",
    `${kind} '${written}' is not understood; expected a port from 1 to 65535, 'auto' or 0, with ` +
      `an IP address and a colon before it if wanted (IPv6 in brackets)${sockets}.`,
    line.origin,
  );
}

function remarkReach(kind: ClientPortKind, address: SocketAddress, remarks: Remarks): void {
  const reach = addressReach(address.hostname);
  const where = `${kind} ${formatAddress(address)}`;
  const use = kind === "DNSPort" ? "make lookups through it" : "use it as an open proxy";
  if (reach === "public") {
    remarks.warnings.push(
      `${where} is reachable from other machines: whoever finds it can ${use}. ` +
        "Listen on 127.0.0.1 unless you have a good reason.",
    );
  } else if (reach === "internal") {
    remarks.notices.push(
      `${where} is reachable from your local network: everybody there can use it.`,
    );
  }
}
