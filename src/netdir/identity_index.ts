/**
 * Finds a relay of a consensus by its identity, by 4 bytes of each.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";

/** Digits of an identity that make a number of 32 bits. */
const PREFIX_DIGITS = 8;
/** How many relays are looked at in one step: less than 3 ms. */
const RELAYS_PER_STEP = 2000;

/** What is found: a consensus entry. */
export interface Identified {
  readonly rsaIdentity: RsaIdentity;
}

/** The places of relays that are sorted by identity. */
export class IdentityIndex {
  readonly #relays: readonly Identified[];
  readonly #prefixes: Uint32Array;

  private constructor(relays: readonly Identified[], prefixes: Uint32Array) {
    this.#relays = relays;
    this.#prefixes = prefixes;
  }

  /**
   * Makes an index, in steps of a few ms.
   *
   * @param relays sorted by identity; must not change
   */
  static *steps(relays: readonly Identified[]): Generator<void, IdentityIndex> {
    const prefixes = new Uint32Array(relays.length);
    for (let place = 0; place < relays.length; place++) {
      prefixes[place] = prefixOf(relays[place].rsaIdentity);
      if (place % RELAYS_PER_STEP === RELAYS_PER_STEP - 1) yield;
    }
    return new IdentityIndex(relays, prefixes);
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
