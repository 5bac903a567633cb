/**
 * What a circuit's last relay is wanted for, and whether a relay's exit policy allows it.
 *
 * @module
 */
import {
  hasFlags,
  type PortPolicy,
  portPolicyAllows,
  type Relay,
  RelayFlag,
} from "../netdir/relay.ts";

/** What a circuit's last relay is wanted for. */
export type ExitTarget =
  /** A connection to an IP address of this family. */
  | { readonly kind: "address"; readonly family: 4 | 6; readonly port: number }
  /** A connection to a host name, which the exit resolves. */
  | { readonly kind: "name"; readonly port: number }
  /** Connections that are expected: at least one of the ports, or of any port if none can be had. */
  | { readonly kind: "any-port"; readonly ports: readonly number[] }
  /** Name resolution. */
  | { readonly kind: "resolve" }
  /** Nothing outside of the network: the relay is chosen as a middle. */
  | { readonly kind: "internal" };

/** Whether no connection at all is accepted, as policies that mean so are summarised. */
export function policyRejectsAll(policy: PortPolicy): boolean {
  if (policy.accept) return policy.ranges.length === 0;
  return policy.ranges.some(({ first, last }) => first <= 1 && last >= 65535);
}

/** Whether neither policy of the relay accepts anything. */
export function rejectsAllExits(relay: Relay): boolean {
  return policyRejectsAll(relay.exitPolicy) && policyRejectsAll(relay.exitPolicy6);
}

/**
 * Whether a circuit that ends at this relay can serve the target. A host name is judged by the IPv4 policy alone, as C tor does:
 * which addresses it has is not known, and most names have an IPv4 address.
 */
export function exitAllows(relay: Relay, target: ExitTarget): boolean {
  if (target.kind === "internal") return true;
  if (hasFlags(relay, RelayFlag.BadExit)) return false;
  switch (target.kind) {
    case "address":
      return portPolicyAllows(
        target.family === 6 ? relay.exitPolicy6 : relay.exitPolicy,
        target.port,
      );
    case "name":
      return portPolicyAllows(relay.exitPolicy, target.port);
    case "any-port":
      return target.ports.some((port) => portPolicyAllows(relay.exitPolicy, port));
    case "resolve":
      return !rejectsAllExits(relay);
  }
}

/**
 * Whether all relays of a circuit for this target must be Stable.
 *
 * @param longLivedPorts ports whose connections tend to last (C tor: LongLivedPorts)
 */
export function needsStableRelays(
  target: ExitTarget,
  longLivedPorts: ReadonlySet<number>,
): boolean {
  switch (target.kind) {
    case "address":
    case "name":
      return longLivedPorts.has(target.port);
    case "any-port":
      return target.ports.some((port) => longLivedPorts.has(port));
    case "resolve":
    case "internal":
      return false;
  }
}
