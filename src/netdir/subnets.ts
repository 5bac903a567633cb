/**
 * Addresses that are near each other, and addresses that are not on the Internet.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { parseIpv4Address } from "../netdoc/field.ts";
import type { SocketAddress } from "../runtime/network.ts";
import { ipv6Groups } from "./ipv6_groups.ts";
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
    // What cannot be read counts as near all else that cannot.
    const [first, second] = ipv6Groups(address.hostname) ?? [-1, 0];
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
].map((network) => {
  const [address, prefixLength] = ipaddr.IPv4.parseCIDR(network);
  const size = 2 ** (32 - prefixLength);
  return { size, index: ipv4Number(address.octets) / size };
});

/** By the first of eight groups: unique local (fc00::/7), link-local (fe80::/10), site-local. */
const INTERNAL_IPV6 = [
  { mask: 0xfe00, group: 0xfc00 },
  { mask: 0xffc0, group: 0xfe80 },
  { mask: 0xffc0, group: 0xfec0 },
];

/**
 * Whether `address` is an IP address that has no meaning on the Internet: private, loopback,
 * link-local, site-local or unspecified. An IPv6 address that stands for an IPv4 address
 * (::ffff:a.b.c.d) is judged as that. A host name is no address, and not internal.
 */
export function isInternalAddress(address: string): boolean {
  const bare = address.startsWith("[") && address.endsWith("]") ? address.slice(1, -1) : address;
  if (bare.includes(":")) {
    const groups = ipv6Groups(bare);
    return groups !== undefined && isInternalIpv6(groups);
  }
  const number = parseIpv4Address(bare);
  return number !== undefined && isInternalIpv4(number);
}

function isInternalIpv6(groups: readonly number[]): boolean {
  if (groups[0] === 0 && groups.slice(0, 5).every((group) => group === 0)) {
    const [high, low] = groups.slice(6);
    if (groups[5] === 0xffff) return isInternalIpv4(high * 2 ** 16 + low);
    if (groups[5] === 0 && high === 0) return low <= 1;
  }
  return INTERNAL_IPV6.some(({ mask, group }) => (groups[0] & mask) === group);
}

function isInternalIpv4(number: number): boolean {
  return INTERNAL_IPV4.some(({ size, index }) => Math.floor(number / size) === index);
}

/** The four numbers as one of 32 bits. */
function ipv4Number([a, b, c, d]: readonly number[]): number {
  return a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
}
