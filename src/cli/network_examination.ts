/**
 * What the doctor looks at of the network: the ports of this machine, and whether directory servers
 * accept connections. Nothing is sent to another machine but the opening of TCP connections.
 *
 * @module
 */
import type { ClientPort, ClientPortKind, Config } from "../config/config.ts";
import { TorError } from "../errors/tor_error.ts";
import { openPlace } from "../proxy/listen_place.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { formatAddress, type SocketAddress } from "../runtime/network.ts";
import { grantAdvice, readFlag, writeFlag } from "../runtime/permission_flags.ts";
import { randomElement } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { isUnixSocketServed } from "../runtime/unix_socket.ts";
import { type Finding, isGranted, problem } from "./examination.ts";

/** The longest that a directory server may take to accept a connection, in ms. */
const CONNECT_TIMEOUT = 10_000;
/** How many fallbacks and how many authorities are tried. */
const FALLBACKS_TRIED = 4;
const AUTHORITIES_TRIED = 2;

/**
 * Whether each port is free.
 *
 * @param inUse whether a client runs that may be the one that has it
 */
export async function examinePorts(
  config: Config,
  { network }: Pick<Runtime, "network">,
  inUse: boolean,
): Promise<readonly Finding[]> {
  const doors: readonly (readonly [ClientPortKind, readonly ClientPort[]])[] = [
    ["SocksPort", config.socksPorts],
    ["HTTPTunnelPort", config.httpTunnelPorts],
    ["DNSPort", config.dnsPorts],
  ];
  const findings: Finding[] = [];
  for (const [kind, ports] of doors) {
    for (const { place, origin } of ports) {
      const name = place.kind === "unix" ? `unix:${place.path}` : formatAddress(place);
      try {
        // To open a socket would put another one's out of the way.
        if (place.kind === "unix") {
          findings.push(await examineSocket(`${kind} ${name}`, place.path, inUse));
          continue;
        }
        const { source } = await openPlace(network, { kind, place, origin }, config.dataDirectory);
        source.close();
        findings.push(free(`${kind} ${name}`));
      } catch (error) {
        const isTaken = error instanceof TorError && error.code === "listen-address-in-use";
        findings.push(isTaken ? taken(`${kind} ${name} is in use`, inUse) : problem(kind, error));
      }
    }
  }
  for (const address of config.metrics.ports) {
    findings.push(examineMetricsPort(network, address, inUse));
  }
  return findings;
}

async function examineSocket(name: string, path: string, inUse: boolean): Promise<Finding> {
  if (!isGranted({ name: "read", path }) || !isGranted({ name: "write", path })) {
    return {
      kind: "problem",
      what: `${name}: Deno has no permission for that path.`,
      advice: `Put the socket into the data directory, or ${
        grantAdvice([readFlag(path), writeFlag(path)])
      }.`,
    };
  }
  return await isUnixSocketServed(path) ? taken(`${name} is in use`, inUse) : free(name);
}

function examineMetricsPort(
  network: Runtime["network"],
  address: SocketAddress,
  inUse: boolean,
): Finding {
  const name = formatAddress(address);
  try {
    network.listen(address).close();
    return free(`MetricsPort ${name}`);
  } catch (error) {
    return error instanceof Deno.errors.AddrInUse
      ? taken(`MetricsPort ${name} is in use`, inUse)
      : problem(`MetricsPort ${name}`, error);
  }
}

function free(name: string): Finding {
  return { kind: "ok", what: `${name} is free.` };
}

function taken(what: string, inUse: boolean): Finding {
  return inUse ? { kind: "ok", what: `${what}, as it seems by the client that runs.` } : {
    kind: "problem",
    what: `${what} by another program.`,
    advice: "Stop that program, or choose another port.",
  };
}

/** Whether a few directory servers accept TCP connections. */
export async function examineNetwork(
  { authorities, fallbacks, connections }: Config,
  runtime: Runtime,
): Promise<Finding> {
  const servers = [
    ...some(fallbacks, FALLBACKS_TRIED, runtime),
    ...some(authorities, AUTHORITIES_TRIED, runtime),
  ].flatMap(({ hostname, orPort, ipv6 }): SocketAddress[] => {
    if (connections.useIpv4 && orPort !== undefined) return [{ hostname, port: orPort }];
    return connections.useIpv6 && ipv6 !== undefined ? [ipv6] : [];
  });
  if (servers.length === 0) {
    return {
      kind: "problem",
      what: "No directory server that is known has an address of a kind that is allowed.",
      advice: "Check ClientUseIPv4, ClientUseIPv6 and DirAuthority.",
    };
  }
  const failures = (await Promise.all(servers.map((server) => tryToConnect(server, runtime))))
    .filter((failure) => failure !== undefined);
  const reached = servers.length - failures.length;
  if (failures.length === 0) {
    return {
      kind: "ok",
      what: `All ${reached} directory servers that were tried accept connections.`,
    };
  }
  const reasons = [...new Set(failures)].join("; ");
  if (reached > 0) {
    return {
      kind: "ok",
      what:
        `${reached} of ${servers.length} directory servers accept connections (others: ${reasons}).`,
    };
  }
  return {
    kind: "problem",
    what: `None of ${servers.length} directory servers could be reached: ${reasons}.`,
    advice: "Check this machine's network and firewall: chive connects to relays at any TCP port.",
  };
}

/** Up to `most` of the servers, at random. */
function some<Server>(
  servers: readonly Server[],
  most: number,
  { random }: Pick<Runtime, "random">,
): readonly Server[] {
  const left = [...servers];
  const chosen: Server[] = [];
  while (chosen.length < most && left.length > 0) {
    const server = randomElement(random, left);
    left.splice(left.indexOf(server), 1);
    chosen.push(server);
  }
  return chosen;
}

/** Why a connection could not be opened; undefined when it could. */
async function tryToConnect(
  server: SocketAddress,
  { network, clock }: Runtime,
): Promise<string | undefined> {
  const late = () => new DOMException("no answer within 10 seconds", "TimeoutError");
  try {
    const conn = await withDeadline(
      clock,
      CONNECT_TIMEOUT,
      late,
      undefined,
      (signal) => network.connect(server, signal),
    );
    conn.close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
