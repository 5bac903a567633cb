/**
 * One relay as the client may use it: its consensus entry joined with its microdescriptor.
 *
 * @module
 */
import type { Ed25519Identity, RsaIdentity } from "../crypto/identity.ts";
import type { PortPolicy } from "../netdoc/exit_policy.ts";
import type { SocketAddress } from "../runtime/network.ts";

export type { PortPolicy, PortRange } from "../netdoc/exit_policy.ts";
export { portPolicyAllows } from "../netdoc/exit_policy.ts";
export { RelayFlag } from "../netdoc/relay_flag.ts";

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
