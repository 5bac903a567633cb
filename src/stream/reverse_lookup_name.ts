/**
 * The names under which addresses are looked up backwards (RFC 1035 3.5, RFC 3596 2.5).
 *
 * @module
 */
import ipaddr from "ipaddr.js";

/**
 * `4.3.2.1.in-addr.arpa` for 1.2.3.4, and the `ip6.arpa` form with 32 digits for IPv6.
 *
 * @throws RangeError when `address` is not an IP address
 */
export function reverseLookupName(address: string): string {
  if (!ipaddr.isValid(address)) throw new RangeError("not an IP address");
  const bytes = ipaddr.parse(address).toByteArray().reverse();
  if (bytes.length === 4) return `${bytes.join(".")}.in-addr.arpa`;
  const digits = bytes.flatMap((byte) => [byte & 0xf, byte >>> 4]);
  return `${digits.map((digit) => digit.toString(16)).join(".")}.ip6.arpa`;
}
