/**
 * Opens the places where doors listen: TCP ports, UDP ports and Unix sockets.
 *
 * @module
 */
import type { ClientPort, ClientPortKind, PortPlace } from "../config/config.ts";
import { describeOrigin } from "../config/errors.ts";
import { describeError } from "../errors/tor_error.ts";
import { type DatagramListener, DatagramSocket } from "../runtime/datagram_socket.ts";
import { formatAddress, type Network, type SocketAddress } from "../runtime/network.ts";
import { isUnixSocketServed, listenUnix } from "../runtime/unix_socket.ts";
import { prepareSocketPlace, removeSocket } from "../state/socket_place.ts";
import { ProxyError, type ProxyErrorCode } from "./errors.ts";
import type { ConnectionSource } from "./stream_listener.ts";

/** A door to open, for messages. */
export interface NamedPort extends Pick<ClientPort, "place" | "origin"> {
  readonly kind: ClientPortKind;
}

/** A place that is open for connections. */
export interface OpenPlace {
  readonly source: ConnectionSource;
  /** With the real port number. */
  readonly place: PortPlace;
}

/** Ports that are tried where any free one is asked for, and it must be free for TCP and UDP. */
const MOST_PORTS_TRIED = 10;

/**
 * Begins to listen. A socket that was left behind by a process that is gone is replaced.
 *
 * @param dataDirectory where folders for sockets may be created
 * @throws ProxyError when it cannot be
 */
export async function openPlace(
  network: Network,
  port: NamedPort,
  dataDirectory: string,
): Promise<OpenPlace> {
  const { place } = port;
  if (place.kind === "unix") {
    const source = await openUnixPlace(port, place.path, dataDirectory);
    return { source, place };
  }
  const source = listenTcp(network, port, place);
  const { hostname, port: number } = source.addr;
  return { source, place: { kind: "tcp", hostname, port: number } };
}

/** A place that is open for UDP and TCP. */
export interface OpenDnsPlace {
  readonly udp: DatagramSocket;
  readonly tcp: ConnectionSource;
  /** Of both, with the real port number. */
  readonly address: SocketAddress;
}

/**
 * Begins to listen for UDP and TCP on one port.
 *
 * @throws ProxyError when it cannot be; nothing is open then
 */
export async function openDnsPlace(
  network: Network,
  port: NamedPort & { readonly place: SocketAddress },
  listener: DatagramListener,
): Promise<OpenDnsPlace> {
  const wanted = port.place;
  for (let attempt = 1;; attempt++) {
    const tcp = listenTcp(network, port, wanted);
    const { hostname, port: number } = tcp.addr;
    const address = { hostname, port: number };
    try {
      return { udp: await DatagramSocket.bind(address, listener), tcp, address };
    } catch (error) {
      tcp.close();
      const mayBeFree = wanted.port === 0 && error instanceof Deno.errors.AddrInUse;
      if (!mayBeFree || attempt === MOST_PORTS_TRIED) {
        throw failure(port, listenErrorCode(error), describeError(error), error);
      }
    }
  }
}

function listenTcp(network: Network, port: NamedPort, address: SocketAddress): Deno.TcpListener {
  try {
    return network.listen({ hostname: address.hostname, port: address.port });
  } catch (error) {
    throw failure(port, listenErrorCode(error), describeError(error), error);
  }
}

async function openUnixPlace(
  port: NamedPort,
  path: string,
  dataDirectory: string,
): Promise<ConnectionSource> {
  const problem = await prepareSocketPlace(path, dataDirectory);
  if (problem !== undefined) throw failure(port, PLACE_PROBLEMS[problem.kind], problem.reason);
  try {
    return listenUnix(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw unixFailure(port, error);
  }
  if (await isUnixSocketServed(path)) {
    throw failure(port, "listen-address-in-use", "another program listens there");
  }
  try {
    if (await removeSocket(path)) return listenUnix(path);
  } catch (error) {
    throw unixFailure(port, error);
  }
  throw failure(port, "listen-socket-place-unusable", "something that is no socket is there");
}

const PLACE_PROBLEMS = {
  "not-permitted": "listen-socket-not-permitted",
  "not-private": "listen-socket-not-private",
  "unusable": "listen-socket-place-unusable",
} as const;

function unixFailure(port: NamedPort, error: unknown): ProxyError {
  const isDenied = error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.PermissionDenied;
  const code = isDenied ? "listen-socket-not-permitted" : "listen-socket-place-unusable";
  return failure(port, code, describeError(error), error);
}

function listenErrorCode(error: unknown): ProxyErrorCode {
  if (error instanceof Deno.errors.AddrInUse) return "listen-address-in-use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "listen-address-unavailable";
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return "listen-not-permitted";
  }
  return "listen-failed";
}

function failure(
  { kind, place, origin }: NamedPort,
  code: ProxyErrorCode,
  reason: string,
  cause?: unknown,
): ProxyError {
  return new ProxyError(
    code,
    `${describeOrigin(origin)}: cannot open the ${kind} on ${describePlace(place)}: ${reason}`,
    { cause },
  );
}

/** A place as it is written in a configuration. */
export function describePlace(place: PortPlace): string {
  return place.kind === "unix" ? `unix:${place.path}` : formatAddress(place);
}
