/**
 * Addresses that are near each other, and addresses that are not on the Internet.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import type { SocketAddress } from "../runtime/network.ts";
import type { Relay } from "./relay.ts";

/** Whether two relays share an IPv4 /16 or an IPv6 /32, and so must not share a circuit. */
export function inSameSubnet(
  a: Pick<Relay, "hostname" | "ipv6">,
  b: Pick<Relay, "hostname" | "ipv6">,
): boolean {
  if (ipv4Network(a.hostname) === ipv4Network(b.hostname)) return true;
  return a.ipv6 !== undefined && b.ipv6 !== undefined &&
    ipv6Network(a.ipv6) === ipv6Network(b.ipv6);
}

/** The first two of the four numbers. */
function ipv4Network(address: string): string {
  return address.slice(0, address.indexOf(".", address.indexOf(".") + 1));
}

/** Path selection compares the same relays again and again; reading an address is slow. */
const ipv6Networks = new WeakMap<SocketAddress, number>();

/** The first 32 bits. */
function ipv6Network(address: SocketAddress): number {
  let network = ipv6Networks.get(address);
  if (network === undefined) {
    const [first, second] = ipaddr.IPv6.parse(address.hostname).parts;
    ipv6Networks.set(address, network = first * 2 ** 16 + second);
  }
  return network;
}

/** The networks that C tor takes as internal. */
const INTERNAL_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
].map((network) => ipaddr.IPv4.parseCIDR(network));
const INTERNAL_IPV6 = ["::/127", "fc00::/7", "fe80::/10", "fec0::/10"].map((network) =>
  ipaddr.IPv6.parseCIDR(network)
);

/**
 * Whether `address` is an IP address that has no meaning on the Internet: private, loopback,
 * link-local, site-local or unspecified. An IPv6 address that stands for an IPv4 address
 * (::ffff:a.b.c.d) is judged as that. A host name is no address, and not internal.
 */
export function isInternalAddress(address: string): boolean {
  const bare = /^\[(.*)\]$/.exec(address)?.[1] ?? address;
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return isInternalIpv4(ipaddr.IPv4.parse(bare));
  if (!ipaddr.IPv6.isValid(bare)) return false;
  const ipv6 = ipaddr.IPv6.parse(bare);
  if (ipv6.isIPv4MappedAddress()) return isInternalIpv4(ipv6.toIPv4Address());
  return INTERNAL_IPV6.some((network) => ipv6.match(network));
}

function isInternalIpv4(address: ipaddr.IPv4): boolean {
  return INTERNAL_IPV4.some((network) => address.match(network));
}
