/**
 * Lists of relays, as the options that choose relays have them:
 * `$FINGERPRINT, Name, 192.0.2.0/24, [2001:db8::]/32:9001-9003, {de}`.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { parseRsaIdentity } from "../crypto/identity.ts";
import { isIpv4, parseIpAddress, parsePort } from "./address.ts";
import { ConfigError } from "./errors.ts";
import type { NodePattern } from "./node_pattern.ts";
import type { OptionName } from "./options.ts";
import type { ConfigLine } from "./torrc.ts";
import { parseCount, splitList } from "./values.ts";

/** Addresses, of those with some ports. */
export type AddressPattern = Extract<NodePattern, { kind: "addresses" }>;

type Ports = AddressPattern["ports"];

const ALL_PORTS: Ports = { first: 1, last: 65535 };
const ALL_IPV4 = { network: "0.0.0.0", prefixLength: 0 };
const ALL_IPV6 = { network: "::", prefixLength: 0 };

/**
 * Reads one list of relays (C tor: the type of ExcludeNodes). C tor's own reading is kept, but for
 * what it takes for more or less than it says: an empty prefix length or port, and text after a
 * country, are refused.
 *
 * @param name the option, for messages
 * @throws ConfigError config-bad-value for a list without members, and for a member that is not
 * understood: a relay that was meant to be excluded must not be used because of a slip
 */
export function parseNodeList(name: OptionName, line: ConfigLine): NodePattern[] {
  const members = splitList(line.value);
  if (members.length === 0) {
    throw new ConfigError("config-bad-value", `${name} names no relay.`, line.origin);
  }
  return members.flatMap((member) => {
    const patterns = parseMember(member);
    if (patterns !== undefined) return patterns;
    throw new ConfigError(
      "config-bad-value",
      `${name}: '${member}' is not understood; expected a fingerprint of 40 hexadecimal digits, a ` +
        "nickname, an address such as 192.0.2.0/24 or [2001:db8::]/32, or a country such as {de}.",
      line.origin,
    );
  });
}

function parseMember(member: string): NodePattern[] | undefined {
  const identity = /^\$?([0-9A-Fa-f]{40})(?:[=~][A-Za-z0-9]{1,19})?$/.exec(member);
  if (identity !== null) {
    const rsaIdentity = parseRsaIdentity(identity[1]);
    return rsaIdentity === undefined ? undefined : [{ kind: "identity", rsaIdentity }];
  }
  if (/^[A-Za-z0-9]{1,19}$/.test(member)) {
    return [{ kind: "nickname", nickname: member.toLowerCase() }];
  }
  const country = /^\{([A-Za-z0-9]{2}|\?\?)\}$/.exec(member);
  if (country !== null) return [{ kind: "country", code: country[1].toLowerCase() }];
  return parseAddresses(member);
}

/**
 * Reads `192.0.2.0/24`, `[2001:db8::]/32:9001-9003` and so on; `*`, `*4` and `*6` stand for all
 * addresses, all of IPv4 and all of IPv6. `undefined` for anything else.
 */
export function parseAddresses(member: string): AddressPattern[] | undefined {
  // With a prefix length the colon before the port comes after it; an IPv6 address needs no
  // brackets then.
  const match = /^(\*[46]?|\[[^\]]+\]|[^/[\]*]+(?=\/)|[^/:[\]*]+)(?:\/([^:]+))?(?::(.+))?$/
    .exec(member);
  if (match === null) return undefined;
  const [, address, mask, written] = match;
  const ports = parsePorts(written);
  if (ports === undefined) return undefined;
  const networks = address.startsWith("*")
    ? (mask === undefined ? wildcard(address) : undefined)
    : parseNetwork(address, mask);
  return networks?.map((network) => ({ kind: "addresses", ...network, ports }));
}

interface Network {
  readonly network: string;
  readonly prefixLength: number;
}

function wildcard(written: string): Network[] {
  if (written === "*4") return [ALL_IPV4];
  return written === "*6" ? [ALL_IPV6] : [ALL_IPV4, ALL_IPV6];
}

function parseNetwork(written: string, mask: string | undefined): Network[] | undefined {
  // IPv4 in brackets would be a slip.
  if (written.startsWith("[") && !written.includes(":")) return undefined;
  const address = parseIpAddress(written);
  if (address === undefined) return undefined;
  const bits = isIpv4(address) ? 32 : 128;
  // No relay has such an address: what is meant is the IPv4 address, which it would not match.
  if (bits === 128 && ipaddr.IPv6.parse(address).isIPv4MappedAddress()) return undefined;
  const prefixLength = mask === undefined ? bits : parsePrefixLength(mask, bits);
  if (prefixLength === undefined) return undefined;
  return [{ network: networkAddress(address, prefixLength), prefixLength }];
}

/** `24`, or for IPv4 also `255.255.255.0`. */
function parsePrefixLength(mask: string, bits: number): number | undefined {
  if (bits === 32 && isIpv4(mask)) {
    return ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask() ?? undefined;
  }
  return parseCount(mask, 0, bits);
}

/** The address with zeros for all bits after the first `prefixLength`. */
function networkAddress(address: string, prefixLength: number): string {
  const network = isIpv4(address)
    ? ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefixLength}`)
    : ipaddr.IPv6.networkAddressFromCIDR(`${address}/${prefixLength}`);
  return network instanceof ipaddr.IPv6 ? network.toRFC5952String() : network.toString();
}

/** `9001`, `9001-9003` or `*`; all ports where none is written. */
function parsePorts(written: string | undefined): Ports | undefined {
  if (written === undefined || written === "*") return ALL_PORTS;
  const range = written.split("-");
  const first = parsePort(range[0]);
  const last = range.length === 1 ? first : parsePort(range[1]);
  if (first === undefined || last === undefined || range.length > 2) return undefined;
  return first <= last ? { first, last } : undefined;
}
