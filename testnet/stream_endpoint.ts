/**
 * What streams at an embedded relay are opened to: TCP connections to the loopback interface and
 * the relay's own directory; and the lookup of names.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { DirectoryEndpoint } from "./directory_endpoint.ts";
import type { RelayContext } from "./relay_context.ts";
import { encodeConnected, encodeEnd, encodeResolved, EndReason } from "./relay_messages.ts";

/** One end of a two-way connection. */
export interface StreamEndpoint {
  /** As Deno.Conn's. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** As Deno.Conn's: resolves when it was taken, which may wait. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions; called once. */
  close(): void;
}

/** What a stream is opened to, and what CONNECTED says. */
export interface OpenedEndpoint {
  readonly endpoint: StreamEndpoint;
  readonly connected: Uint8Array;
}

/** Why a stream cannot be opened: the body of its END. */
export class StreamRefusal extends Error {
  readonly end: Uint8Array;

  constructor(end: Uint8Array) {
    super("the stream is refused");
    this.end = end;
  }
}

/** Connects an exit to an address of the loopback interface, or to a name that stands for one. */
export async function connect(
  relay: RelayContext,
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<OpenedEndpoint> {
  const address = ipaddr.isValid(hostname) ? hostname : relay.names[hostname.toLowerCase()];
  if (address === undefined) throw new StreamRefusal(encodeEnd(EndReason.RESOLVE_FAILED));
  if (!relay.isExit || ipaddr.parse(address).range() !== "loopback") {
    throw new StreamRefusal(encodeEnd(EndReason.EXIT_POLICY, address));
  }
  try {
    const endpoint = await relay.runtime.network.connect({ hostname: address, port }, signal);
    return { endpoint, connected: encodeConnected(address) };
  } catch (error) {
    const refused = error instanceof Deno.errors.ConnectionRefused;
    throw new StreamRefusal(
      encodeEnd(refused ? EndReason.CONNECTION_REFUSED : EndReason.MISC),
    );
  }
}

/** Opens the relay's own directory. */
export function openDirectory(relay: RelayContext): OpenedEndpoint {
  return { endpoint: new DirectoryEndpoint(relay.directory), connected: new Uint8Array(0) };
}

/** The body of RESOLVED for a name, an address, or a name of the reverse form. */
export function resolve(relay: RelayContext, name: string): Uint8Array {
  if (ipaddr.isValid(name)) return encodeResolved(addressAnswer(name));
  const found = relay.isExit ? relay.names[name.toLowerCase()] : undefined;
  if (found === undefined) return encodeResolved(undefined);
  return encodeResolved(
    ipaddr.isValid(found) ? addressAnswer(found) : { kind: "name", value: found },
  );
}

function addressAnswer(value: string): { kind: "ip4" | "ip6"; value: string } {
  return { kind: value.includes(":") ? "ip6" : "ip4", value };
}
