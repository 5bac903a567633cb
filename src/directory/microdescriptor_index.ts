/**
 * Which microdescriptors the files on disk have, and where: 44 bytes each in a few typed arrays.
 *
 * @module
 */
import { DigestTable } from "../netdoc/digest_table.ts";

const FIRST_CAPACITY = 64;

/**
 * A table of places by digest. Entries have the numbers 0, 1, 2, ... in the order in which they were
 * added.
 */
export class MicrodescriptorIndex {
  readonly #digests: DigestTable;
  #starts: Uint32Array<ArrayBuffer>;
  #lengths: Uint32Array<ArrayBuffer>;
  #lastListed: Uint32Array<ArrayBuffer>;

  /** @param expected how many entries there will be: a guess that saves copies */
  constructor(expected = FIRST_CAPACITY) {
    const capacity = Math.max(expected, FIRST_CAPACITY);
    this.#digests = new DigestTable(capacity);
    this.#starts = new Uint32Array(capacity);
    this.#lengths = new Uint32Array(capacity);
    this.#lastListed = new Uint32Array(capacity);
  }

  /** How many entries there are. */
  get size(): number {
    return this.#digests.size;
  }

  /** The number of the entry with this digest of 32 bytes; -1 when there is none. */
  find(digest: Uint8Array): number {
    return this.#digests.find(digest);
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
    const number = this.#digests.add(digest);
    if (number === this.#starts.length) this.#grow();
    this.#starts[number] = start;
    this.#lengths[number] = length;
    this.#lastListed[number] = lastListed;
  }

  /** The 32 bytes of an entry's digest, as a view that holds until the next {@link put}. */
  digest(number: number): Uint8Array {
    return this.#digests.digest(number);
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

  #grow(): void {
    const capacity = 2 * this.#starts.length;
    this.#starts = grown(this.#starts, capacity);
    this.#lengths = grown(this.#lengths, capacity);
    this.#lastListed = grown(this.#lastListed, capacity);
  }
}

function grown(old: Uint32Array<ArrayBuffer>, capacity: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(capacity);
  larger.set(old);
  return larger;
}
