/**
 * Sets of relays as a user describes them: by identity, nickname, address and country (C tor:
 * ExcludeNodes and the options like it).
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import type { NodePattern } from "../config/node_pattern.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import type { GeoIp } from "../netdir/geo_ip.ts";
import { ipv6Groups } from "../netdir/ipv6_groups.ts";
import type { SocketAddress } from "../runtime/network.ts";

/** What patterns are held against: a relay of a consensus, a fallback directory, an authority. */
export interface NodeDescription {
  readonly rsaIdentity: RsaIdentity;
  /** Absent for a fallback directory. */
  readonly nickname?: string;
  /** The address of the OR port, which also tells the country. */
  readonly hostname: string;
  readonly port: number;
  readonly ipv6?: SocketAddress | undefined;
}

/** The code of relays whose country is not known. */
export const UNKNOWN_COUNTRY = "??";

/** Addresses of one family, compared by groups of 16 bits: two of IPv4, eight of IPv6. */
interface AddressRange {
  readonly groups: readonly number[];
  /** Of each group, the bits that count. */
  readonly masks: readonly number[];
  readonly ports: Extract<NodePattern, { kind: "addresses" }>["ports"];
}

/** Which relays some patterns describe. It remembers of each relay whether it is one of them. */
export class NodeSet {
  /** Whether there are no patterns. A set whose patterns describe no relay is not empty. */
  readonly isEmpty: boolean;
  /** The countries that the patterns name, in lower case, perhaps with {@link UNKNOWN_COUNTRY}. */
  readonly countries: ReadonlySet<string>;
  readonly #geoIp: GeoIp | undefined;
  readonly #identities: ReadonlySet<RsaIdentity>;
  readonly #nicknames: ReadonlySet<string>;
  readonly #addresses: readonly AddressRange[];
  readonly #known = new WeakMap<NodeDescription, boolean>();

  private constructor(patterns: readonly NodePattern[], geoIp: GeoIp | undefined) {
    const identities = new Set<RsaIdentity>();
    const nicknames = new Set<string>();
    const countries = new Set<string>();
    const addresses: AddressRange[] = [];
    for (const pattern of patterns) {
      switch (pattern.kind) {
        case "identity":
          identities.add(pattern.rsaIdentity);
          break;
        case "nickname":
          nicknames.add(pattern.nickname);
          break;
        case "country":
          countries.add(pattern.code);
          break;
        case "addresses":
          addresses.push(addressRange(pattern));
      }
    }
    this.isEmpty = patterns.length === 0;
    this.countries = countries;
    this.#geoIp = geoIp;
    this.#identities = identities;
    this.#nicknames = nicknames;
    this.#addresses = addresses;
  }

  /**
   * @param geoIp the country file; without one, patterns that name countries describe no relay
   * @throws RangeError for a pattern whose network is no address, which the configuration refuses
   */
  static compile(patterns: readonly NodePattern[], geoIp: GeoIp | undefined): NodeSet {
    return new NodeSet(patterns, geoIp);
  }

  /** Whether a country file is needed to know what the patterns mean. */
  get needsCountries(): boolean {
    return this.countries.size > 0;
  }

  /**
   * Whether any of the patterns describes the relay. An address range does if it contains either OR
   * port of the relay; the country is that of `hostname` alone. The answer for an object is
   * remembered, so the object must not change.
   */
  contains(node: NodeDescription): boolean {
    if (this.isEmpty) return false;
    let known = this.#known.get(node);
    if (known === undefined) this.#known.set(node, known = this.#describes(node));
    return known;
  }

  #describes(node: NodeDescription): boolean {
    const { rsaIdentity, nickname, hostname, port, ipv6 } = node;
    return this.#identities.has(rsaIdentity) ||
      (nickname !== undefined && this.#nicknames.has(nickname.toLowerCase())) ||
      this.#hasAddress(hostname, port) ||
      (ipv6 !== undefined && this.#hasAddress(ipv6.hostname, ipv6.port)) ||
      (this.needsCountries && this.#geoIp !== undefined &&
        this.countries.has(this.#geoIp.countryOf(hostname) ?? UNKNOWN_COUNTRY));
  }

  #hasAddress(hostname: string, port: number): boolean {
    if (this.#addresses.length === 0) return false;
    const address = addressGroups(hostname);
    return this.#addresses.some(({ groups, masks, ports }) =>
      groups.length === address.length && ports.first <= port && port <= ports.last &&
      groups.every((group, index) => (address[index] & masks[index]) === group)
    );
  }
}

function addressRange(pattern: Extract<NodePattern, { kind: "addresses" }>): AddressRange {
  const groups = addressGroups(pattern.network);
  if (groups.length === 0) throw new RangeError(`not an IP address: ${pattern.network}`);
  const masks = groups.map((_, index) => {
    const bits = Math.min(Math.max(pattern.prefixLength - 16 * index, 0), 16);
    return 0xffff << (16 - bits) & 0xffff;
  });
  return { groups, masks, ports: pattern.ports };
}

/** The groups of an IP address without brackets; none for what is no address. */
function addressGroups(address: string): readonly number[] {
  if (address.includes(":")) return ipv6Groups(address) ?? [];
  if (!ipaddr.IPv4.isValidFourPartDecimal(address)) return [];
  const [a, b, c, d] = ipaddr.IPv4.parse(address).octets;
  return [a << 8 | b, c << 8 | d];
}
