/**
 * Who may connect to a listener, in the form of C tor's exit policies without their ports:
 *
 * ```text
 * accept 127.0.0.1, accept 10.0.0.0/8, accept6 [2001:db8::]/32, reject *
 * ```
 *
 * | address                | which                                       |
 * | ---------------------- | ------------------------------------------- |
 * | `ADDR`, `ADDR/BITS`    | one address, or a network                    |
 * | `ADDR/MASK`            | a network of IPv4                            |
 * | `*`, `*4`, `*6`        | all, all of IPv4, all of IPv6                |
 * | `private`              | this machine, and networks that are no part of the Internet |
 *
 * A port after a colon, as exit policies have it, is read over.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { ConfigError } from "./errors.ts";
import type { OptionName } from "./options.ts";
import type { ConfigLine } from "./torrc.ts";
import { parseCount, splitList } from "./values.ts";

/** What happens to connections from some addresses. */
export interface AccessRule {
  readonly accepts: boolean;
  /** Each as address and number of bits. */
  readonly networks: readonly AccessNetwork[];
}

/** An address and how many of its first bits count. */
export interface AccessNetwork {
  /** An IP address without brackets. */
  readonly address: string;
  readonly bits: number;
}

/** The rules in their order; the first one that is about an address decides. */
export interface AccessPolicy {
  readonly rules: readonly AccessRule[];
  /** Where no rule is about it. */
  readonly otherwise: boolean;
}

const ALL_IPV4: AccessNetwork = { address: "0.0.0.0", bits: 0 };
const ALL_IPV6: AccessNetwork = { address: "::", bits: 0 };

/** What C tor calls private. */
const PRIVATE: readonly AccessNetwork[] = [
  { address: "0.0.0.0", bits: 8 },
  { address: "169.254.0.0", bits: 16 },
  { address: "127.0.0.0", bits: 8 },
  { address: "192.168.0.0", bits: 16 },
  { address: "10.0.0.0", bits: 8 },
  { address: "172.16.0.0", bits: 12 },
  { address: "::", bits: 8 },
  { address: "fc00::", bits: 7 },
  { address: "fe80::", bits: 10 },
  { address: "fec0::", bits: 10 },
  { address: "ff00::", bits: 8 },
];

const NAMED: ReadonlyMap<string, readonly AccessNetwork[]> = new Map([
  ["*", [ALL_IPV4, ALL_IPV6]],
  ["*4", [ALL_IPV4]],
  ["*6", [ALL_IPV6]],
  ["private", PRIVATE],
]);

/** Accepts this machine alone. */
export const LOOPBACK_ONLY: AccessPolicy = {
  rules: [{
    accepts: true,
    networks: [{ address: "127.0.0.0", bits: 8 }, { address: "::1", bits: 128 }],
  }],
  otherwise: false,
};

/**
 * Reads the rules of all lines of an option.
 *
 * @param otherwise whether addresses that no rule is about are accepted
 * @throws ConfigError for a rule that is not understood
 */
export function parseAccessPolicy(
  name: OptionName,
  lines: readonly ConfigLine[],
  otherwise: boolean,
): AccessPolicy {
  const rules = lines.flatMap((line) =>
    splitList(line.value).map((text) => {
      const rule = parseRule(text);
      if (rule !== undefined) return rule;
      throw new ConfigError(
        "config-bad-value",
        `${name} '${text}' is not understood; expected accept or reject and then an IP address, ` +
          "a network such as 10.0.0.0/8, private, or *.",
        line.origin,
      );
    })
  );
  return { rules, otherwise };
}

function parseRule(text: string): AccessRule | undefined {
  const [, action, family, place] = /^(accept|reject)(6?)[\t-\r ]+([^\t-\r ]+)$/i.exec(text) ?? [];
  if (action === undefined) return undefined;
  // A port says nothing here: `ADDR:*`, `[ADDR]:80-90`, `*:*`.
  const where = place.toLowerCase().replace(/(?<=^[^:]*|\][^:]*):(\*|[0-9]+(-[0-9]+)?)$/, "");
  const networks = NAMED.get(where) ?? asList(parseNetwork(where));
  const ofFamily = networks?.filter(({ address }) => family === "" || address.includes(":"));
  if (ofFamily === undefined || ofFamily.length === 0) return undefined;
  return { accepts: action.toLowerCase() === "accept", networks: ofFamily };
}

function asList(network: AccessNetwork | undefined): AccessNetwork[] | undefined {
  return network && [network];
}

function parseNetwork(text: string): AccessNetwork | undefined {
  const [written, mask, ...more] = text.split("/");
  const address = written.startsWith("[") && written.endsWith("]") ? written.slice(1, -1) : written;
  const isIpv4 = ipaddr.IPv4.isValidFourPartDecimal(address);
  if (more.length > 0 || !(isIpv4 || isPlainIpv6(address))) return undefined;
  const most = isIpv4 ? 32 : 128;
  const bits = mask === undefined ? most : parseCount(mask, 0, most) ?? maskBits(mask, isIpv4);
  return bits === undefined ? undefined : { address, bits };
}

function isPlainIpv6(text: string): boolean {
  return text.includes(":") && !text.includes("%") && ipaddr.IPv6.isValid(text);
}

function maskBits(mask: string, isIpv4: boolean): number | undefined {
  if (!isIpv4 || !ipaddr.IPv4.isValidFourPartDecimal(mask)) return undefined;
  return ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask() ?? undefined;
}

/**
 * Whether the policy accepts a connection from an IP address, without brackets. An IPv4 address in
 * the form of an IPv6 one (`::ffff:1.2.3.4`) counts as what it is; what is no address is refused.
 */
export function isAccepted({ rules, otherwise }: AccessPolicy, address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const from = ipaddr.process(address);
  for (const { accepts, networks } of rules) {
    if (networks.some((network) => contains(network, from))) return accepts;
  }
  return otherwise;
}

function contains({ address, bits }: AccessNetwork, from: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const network = ipaddr.parse(address);
  return network.kind() === from.kind() && from.match(network, bits);
}
