/**
 * Numbers for digests of 32 bytes, in a few typed arrays: 32 bytes each and their hash slots.
 *
 * @module
 */

/** Bytes of a digest. */
export const DIGEST_LENGTH = 32;

const FIRST_CAPACITY = 64;
const SLOTS_PER_DIGEST = 2;

/**
 * Gives digests the numbers 0, 1, 2, ... in the order in which they come. They are found by their
 * first 4 bytes, which are as good as random.
 */
export class DigestTable {
  #size = 0;
  #digests: Uint8Array<ArrayBuffer>;
  /** The number of a digest plus 1, or 0; a power of two of them. */
  #slots: Int32Array<ArrayBuffer>;

  /** @param expected how many digests there will be: a guess that saves copies */
  constructor(expected = FIRST_CAPACITY) {
    const capacity = Math.max(expected, FIRST_CAPACITY);
    this.#digests = new Uint8Array(capacity * DIGEST_LENGTH);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(capacity * SLOTS_PER_DIGEST)));
  }

  /** How many digests there are. */
  get size(): number {
    return this.#size;
  }

  /** The number of a digest of 32 bytes; -1 when it is not there. */
  find(digest: Uint8Array): number {
    return this.#slots[this.#slotOf(digest, 0)] - 1;
  }

  /** Adds a digest, whose 32 bytes are copied, unless it is there; gives its number. */
  add(digest: Uint8Array): number {
    const slot = this.#slotOf(digest, 0);
    const known = this.#slots[slot] - 1;
    if (known >= 0) return known;
    const number = this.#size++;
    if (this.#digests.length < this.#size * DIGEST_LENGTH) this.#grow();
    this.#digests.set(digest, number * DIGEST_LENGTH);
    if (this.#slots.length < this.#size * SLOTS_PER_DIGEST) this.#spread();
    else this.#slots[slot] = number + 1;
    return number;
  }

  /** The 32 bytes of a digest, as a view that holds until the next {@link add}. */
  digest(number: number): Uint8Array<ArrayBuffer> {
    return this.#digests.subarray(number * DIGEST_LENGTH, (number + 1) * DIGEST_LENGTH);
  }

  /** The slot that has the digest at `offset` of `digests`, or the free one where it belongs. */
  #slotOf(digests: Uint8Array, offset: number): number {
    const mask = this.#slots.length - 1;
    const first = digests[offset] | digests[offset + 1] << 8 | digests[offset + 2] << 16 |
      digests[offset + 3] << 24;
    for (let slot = first & mask;; slot = (slot + 1) & mask) {
      const number = this.#slots[slot] - 1;
      if (number < 0 || this.#isDigestOf(number, digests, offset)) return slot;
    }
  }

  #isDigestOf(number: number, digests: Uint8Array, offset: number): boolean {
    const base = number * DIGEST_LENGTH;
    for (let at = 0; at < DIGEST_LENGTH; at++) {
      if (this.#digests[base + at] !== digests[offset + at]) return false;
    }
    return true;
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#digests.length);
    larger.set(this.#digests);
    this.#digests = larger;
  }

  /** Gives all digests new slots, twice as many. */
  #spread(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let number = 0; number < this.#size; number++) {
      this.#slots[this.#slotOf(this.#digests, number * DIGEST_LENGTH)] = number + 1;
    }
  }
}
