/**
 * One relay as the client may use it: its consensus entry joined with its microdescriptor.
 *
 * @module
 */
import type { Ed25519Identity, RsaIdentity } from "../crypto/identity.ts";
import type { SocketAddress } from "../runtime/network.ts";

/** The consensus flags a client acts on, as bits of {@link Relay.flags} (dir-spec, consensus "s"). */
export const RelayFlag = {
  Authority: 1 << 0,
  BadExit: 1 << 1,
  Exit: 1 << 2,
  Fast: 1 << 3,
  Guard: 1 << 4,
  HSDir: 1 << 5,
  MiddleOnly: 1 << 6,
  NoEdConsensus: 1 << 7,
  Running: 1 << 8,
  Stable: 1 << 9,
  StaleDesc: 1 << 10,
  Sybil: 1 << 11,
  V2Dir: 1 << 12,
  Valid: 1 << 13,
} as const;

/** A port range, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** An exit policy summary: all ports of the list are accepted, or all but those of the list. */
export interface PortPolicy {
  readonly accept: boolean;
  readonly ranges: readonly PortRange[];
}

/** A relay whose microdescriptor is known. */
export interface Relay {
  readonly nickname: string;
  readonly rsaIdentity: RsaIdentity;
  readonly ed25519Identity: Ed25519Identity | undefined;
  /** The ntor onion key: 32 bytes. */
  readonly onionKey: Uint8Array;
  /** IPv4 address of the OR port. */
  readonly hostname: string;
  readonly port: number;
  readonly ipv6: SocketAddress | undefined;
  /** Bits of {@link RelayFlag}. */
  readonly flags: number;
  /** Consensus bandwidth, in kilobytes per second as the authorities measured it. */
  readonly bandwidth: number;
  /** Subprotocol versions ("pr" line), asked with `supports`. */
  supports(protocol: string, version: number): boolean;
  /** The members that the relay's microdescriptor names: identities in upper case, or nicknames. */
  readonly family: readonly string[];
  readonly familyIds: readonly string[];
  readonly exitPolicy: PortPolicy;
  readonly exitPolicy6: PortPolicy;
}

/** Whether all bits of `flags` are set. */
export function hasFlags(relay: Relay, flags: number): boolean {
  return (relay.flags & flags) === flags;
}
