/**
 * Which address a request is really made for (C tor: MapAddress and AutomapHostsOnResolve).
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import type { AddressMapping, AddressNetwork, AutomapOptions } from "../config/config.ts";
import { Logger, scrub } from "../observe/log.ts";
import type { RandomSource } from "../runtime/random.ts";

/** Replacements one after the other, after which there must be a loop. */
const MOST_REWRITES = 16;
/** Virtual addresses that are kept; the oldest is forgotten for one more. */
const MOST_VIRTUAL_ADDRESSES = 32_768;
/** Random addresses that may turn out to be taken before there are none left. */
const MOST_ATTEMPTS = 1000;

const log = new Logger("proxy");

/** The IP versions of virtual addresses. */
export type AddressFamily = 4 | 6;

/** A network as bytes. */
interface VirtualNetwork {
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
}

/** The mappings of the configuration, and those to virtual addresses that lookups have made. */
export class AddressMap {
  readonly #mappings = new Map<string, AddressMapping>();
  readonly #automap: AutomapOptions;
  readonly #random: RandomSource;
  readonly #networks: Readonly<Record<AddressFamily, VirtualNetwork>>;
  /** Names by their virtual addresses, the oldest first. */
  readonly #names = new Map<string, string>();
  /** The other way round; the key is {@link reverseKey}. */
  readonly #virtual = new Map<string, string>();

  constructor(
    mappings: readonly AddressMapping[],
    automap: AutomapOptions,
    random: RandomSource,
  ) {
    this.#automap = automap;
    this.#random = random;
    this.#networks = { 4: virtualNetwork(automap.ipv4), 6: virtualNetwork(automap.ipv6) };
    for (const mapping of mappings) {
      const { from, fromSubdomains, to, toSubdomains } = mapping;
      // As in C tor, what changes nothing takes an earlier line back.
      if (from === to && fromSubdomains === toSubdomains) this.#mappings.delete(from);
      else this.#mappings.set(from, mapping);
    }
  }

  /** Whether a request for this address, in canonical text, is made for another one. */
  has(host: string): boolean {
    return this.#mappings.has(host) || this.#names.has(host);
  }

  /** What MapAddress makes of a name or an address: itself where nothing is said about it. */
  rewrite(host: string): string {
    let current = host;
    for (let count = 0; count < MOST_REWRITES; count++) {
      const next = this.#rewriteOnce(current);
      if (next === undefined) return current;
      current = next;
    }
    log.warn(`MapAddress goes round in circles for ${scrub(host)}; it is used as it is now`);
    return current;
  }

  #rewriteOnce(host: string): string | undefined {
    const exact = this.#mappings.get(host);
    if (exact !== undefined) {
      // `*.a.example a.example` is about the name itself too, and done with it.
      return exact.to === host ? undefined : exact.to;
    }
    for (let dot = host.indexOf("."); dot !== -1; dot = host.indexOf(".", dot + 1)) {
      const mapping = this.#mappings.get(host.slice(dot + 1));
      if (mapping?.fromSubdomains !== true) continue;
      return mapping.toSubdomains ? `${host.slice(0, dot)}.${mapping.to}` : mapping.to;
    }
    return undefined;
  }

  /** Whether a lookup of this name is answered with a virtual address. */
  isAutomapped(name: string): boolean {
    const { enabled, suffixes } = this.#automap;
    return enabled && suffixes.some((suffix) => suffix === "." || name.endsWith(suffix));
  }

  /** The virtual address of a name, the same as before if there is one; undefined if none is left. */
  virtualAddress(name: string, family: AddressFamily): string | undefined {
    const key = reverseKey(name, family);
    const known = this.#virtual.get(key);
    if (known !== undefined) return known;
    const address = this.#unusedAddress(family);
    if (address === undefined) {
      log.warn("No virtual address is left: VirtualAddrNetworkIPv4 or -IPv6 should be larger");
      return undefined;
    }
    if (this.#names.size >= MOST_VIRTUAL_ADDRESSES) this.#forgetOldest();
    this.#names.set(address, name);
    this.#virtual.set(key, address);
    return address;
  }

  /** The name that a virtual address was given to. */
  nameOf(address: string): string | undefined {
    return this.#names.get(address);
  }

  /** Whether an address, in canonical text, is of those that only stand for names. */
  isVirtual(host: string): boolean {
    if (host.endsWith(".virtual")) return true;
    if (!host.includes(":") && !ipaddr.IPv4.isValidFourPartDecimal(host)) return false;
    const bytes = ipaddr.parse(host).toByteArray();
    const { bytes: network, prefixLength } = this.#networks[bytes.length === 4 ? 4 : 6];
    return bytes.every((byte, index) => {
      const mask = prefixMask(prefixLength, index);
      return (byte & mask) === (network[index] & mask);
    });
  }

  #forgetOldest(): void {
    const oldest = this.#names.entries().next().value;
    if (oldest === undefined) return;
    const [address, name] = oldest;
    this.#names.delete(address);
    this.#virtual.delete(reverseKey(name, address.includes(":") ? 6 : 4));
  }

  #unusedAddress(family: AddressFamily): string | undefined {
    const { bytes: network, prefixLength } = this.#networks[family];
    const bytes = new Uint8Array(network.length);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      this.#random.fill(bytes);
      for (const [index, byte] of network.entries()) {
        const mask = prefixMask(prefixLength, index);
        bytes[index] = (bytes[index] & ~mask) | (byte & mask);
      }
      // No address of a network, and none for all of one.
      if (family === 4 && (bytes[3] === 0 || bytes[3] === 255)) continue;
      const parsed = ipaddr.fromByteArray([...bytes]);
      const address = parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
      if (!this.#names.has(address)) return address;
    }
    return undefined;
  }
}

/** A name may have an address of each kind. */
function reverseKey(name: string, family: AddressFamily): string {
  return `${family} ${name}`;
}

function virtualNetwork({ network, prefixLength }: AddressNetwork): VirtualNetwork {
  return { bytes: Uint8Array.from(ipaddr.parse(network).toByteArray()), prefixLength };
}

/** Which bits of the byte at `index` belong to a prefix. */
function prefixMask(prefixLength: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
  return 0xff << (8 - bits) & 0xff;
}
