/**
 * Which of a relay's addresses a client connects to.
 *
 * @module
 */
import type { ConnectionOptions } from "../config/config.ts";
import type { SocketAddress } from "../runtime/network.ts";

/** Where a relay takes connections. */
export interface OrAddresses extends SocketAddress {
  /** A second address, of IPv6. */
  readonly ipv6?: SocketAddress | undefined;
}

/**
 * The address of a relay's OR port to connect to, chosen as C tor does: the preferred family if the
 * relay has it, else the other one if it is allowed. `undefined`: the relay can't be reached with
 * these options.
 *
 * IPv6 is used when it is allowed, when it is preferred, and when IPv4 is not used; it is preferred
 * only when asked for, or when IPv4 is not used
 * (C tor: ClientUseIPv4, ClientUseIPv6, ClientPreferIPv6ORPort).
 */
export function orAddress(
  target: OrAddresses,
  options: Pick<ConnectionOptions, "useIpv4" | "useIpv6" | "preferIpv6">,
): SocketAddress | undefined {
  const usesIpv6 = options.useIpv6 || !options.useIpv4 || options.preferIpv6 === true;
  const prefersIpv6 = !options.useIpv4 || options.preferIpv6 === true;
  // A fallback directory of the user's may have an IPv6 address alone.
  const isIpv6 = target.hostname.includes(":");
  const first = { hostname: target.hostname, port: target.port };
  const ipv4 = options.useIpv4 && !isIpv6 ? first : undefined;
  const ipv6 = usesIpv6 ? target.ipv6 ?? (isIpv6 ? first : undefined) : undefined;
  return prefersIpv6 ? ipv6 ?? ipv4 : ipv4 ?? ipv6;
}
