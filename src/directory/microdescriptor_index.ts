/**
 * Which microdescriptors the files on disk have, and where: 44 bytes each in a few typed arrays.
 *
 * @module
 */

const DIGEST_LENGTH = 32;
const FIRST_CAPACITY = 64;
const SLOTS_PER_ENTRY = 2;

/**
 * A table of places by digest. Entries have the numbers 0, 1, 2, ... in the order in which they were
 * added. Digests are found by their first 4 bytes, which are as good as random.
 */
export class MicrodescriptorIndex {
  #size = 0;
  #digests = new Uint8Array(FIRST_CAPACITY * DIGEST_LENGTH);
  #starts = new Uint32Array(FIRST_CAPACITY);
  #lengths = new Uint32Array(FIRST_CAPACITY);
  #lastListed = new Uint32Array(FIRST_CAPACITY);
  /** The number of an entry plus 1, or 0; a power of two of them. */
  #slots = new Int32Array(FIRST_CAPACITY * SLOTS_PER_ENTRY);

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /** The number of the entry with this digest of 32 bytes; -1 when there is none. */
  find(digest: Uint8Array): number {
    return this.#slots[this.#slotOf(digest, 0)] - 1;
  }

  /**
   * Adds an entry, or replaces the one with the same digest.
   *
   * @param digest 32 bytes, which are copied
   * @param start its offset in bytes, below 2^32
   * @param length bytes
   * @param lastListed seconds since 1970
   */
  put(digest: Uint8Array, start: number, length: number, lastListed: number): void {
    const known = this.find(digest);
    const number = known < 0 ? this.#append(digest) : known;
    this.#starts[number] = start;
    this.#lengths[number] = length;
    this.#lastListed[number] = lastListed;
  }

  /** The 32 bytes of an entry's digest, as a view that holds until the next {@link put}. */
  digest(number: number): Uint8Array {
    return this.#digests.subarray(number * DIGEST_LENGTH, (number + 1) * DIGEST_LENGTH);
  }

  /** The offset of an entry's first byte. */
  start(number: number): number {
    return this.#starts[number];
  }

  /** How many bytes an entry has. */
  length(number: number): number {
    return this.#lengths[number];
  }

  /** When an entry was listed last, in seconds since 1970. */
  lastListed(number: number): number {
    return this.#lastListed[number];
  }

  /** Says when an entry was listed last, in seconds since 1970. */
  setLastListed(number: number, time: number): void {
    this.#lastListed[number] = time;
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

  #append(digest: Uint8Array): number {
    if (this.#size === this.#starts.length) this.#grow();
    const number = this.#size++;
    this.#slots[this.#slotOf(digest, 0)] = number + 1;
    this.#digests.set(digest, number * DIGEST_LENGTH);
    return number;
  }

  #grow(): void {
    const capacity = 2 * this.#size;
    this.#digests = grown(this.#digests, new Uint8Array(capacity * DIGEST_LENGTH));
    this.#starts = grown(this.#starts, new Uint32Array(capacity));
    this.#lengths = grown(this.#lengths, new Uint32Array(capacity));
    this.#lastListed = grown(this.#lastListed, new Uint32Array(capacity));
    this.#slots = new Int32Array(capacity * SLOTS_PER_ENTRY);
    for (let number = 0; number < this.#size; number++) {
      this.#slots[this.#slotOf(this.#digests, number * DIGEST_LENGTH)] = number + 1;
    }
  }
}

function grown<Numbers extends Uint8Array | Uint32Array>(old: Numbers, larger: Numbers): Numbers {
  larger.set(old);
  return larger;
}
