/**
 * Finds a relay of a consensus by its identity, by 4 bytes of each.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";

/** Digits of an identity that make a number of 32 bits. */
const PREFIX_DIGITS = 8;

/** What is found: a consensus entry. */
export interface Identified {
  readonly rsaIdentity: RsaIdentity;
}

/** The places of relays that are sorted by identity. */
export class IdentityIndex {
  readonly #relays: readonly Identified[];
  readonly #prefixes: Uint32Array;

  /** @param relays sorted by identity; must not change */
  constructor(relays: readonly Identified[]) {
    this.#relays = relays;
    this.#prefixes = Uint32Array.from(relays, ({ rsaIdentity }) => prefixOf(rsaIdentity));
  }

  /** The place of the relay with this identity; -1 when there is none. */
  find(identity: RsaIdentity): number {
    const prefix = prefixOf(identity);
    let low = 0;
    let high = this.#prefixes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#prefixes[middle] < prefix) low = middle + 1;
      else high = middle;
    }
    for (let place = low; this.#prefixes[place] === prefix; place++) {
      if (this.#relays[place].rsaIdentity === identity) return place;
    }
    return -1;
  }
}

function prefixOf(identity: RsaIdentity): number {
  return parseInt(identity.slice(0, PREFIX_DIGITS), 16);
}
