/**
 * Hands out parts of the relay crypto kernel's memory.
 *
 * @module
 */

/** Free places of one size. */
interface Size {
  readonly bytes: number;
  readonly free: number[];
}

/**
 * Places of a few fixed sizes in a memory that never grows. What was given back is handed out
 * first, so the pages that are in use stay few; larger places are cut into smaller ones when no
 * memory is left that was never used.
 */
export class KernelMemory {
  readonly #bytes: Uint8Array;
  readonly #sizes: readonly Size[];
  /** Where the memory begins that was never handed out. */
  #untouched: number;
  #used = 0;

  /**
   * @param bytes the whole memory
   * @param start where its free part begins; everything is handed out on 16-byte boundaries
   * @param sizes of the places in bytes, ascending; each divides the next
   */
  constructor(bytes: Uint8Array, start: number, sizes: readonly number[]) {
    this.#bytes = bytes;
    this.#untouched = Math.ceil(start / 16) * 16;
    this.#sizes = sizes.map((bytes) => ({ bytes, free: [] }));
  }

  /** Bytes that are handed out now. */
  get used(): number {
    return this.#used;
  }

  /** A place of `bytes`, which is one of the sizes: its address, or 0 when the memory is full. */
  allocate(bytes: number): number {
    const place = this.#take(this.#rankOf(bytes));
    if (place !== 0) this.#used += bytes;
    return place;
  }

  /** Takes a place back, overwritten with zeros: it may have held secrets. */
  release(place: number, bytes: number): void {
    this.#bytes.fill(0, place, place + bytes);
    this.#sizes[this.#rankOf(bytes)].free.push(place);
    this.#used -= bytes;
  }

  #rankOf(bytes: number): number {
    const rank = this.#sizes.findIndex((size) => size.bytes === bytes);
    if (rank < 0) throw new RangeError(`no place has ${bytes} bytes`);
    return rank;
  }

  #take(rank: number): number {
    if (rank === this.#sizes.length) return 0;
    const { bytes, free } = this.#sizes[rank];
    const place = free.pop();
    if (place !== undefined) return place;
    if (this.#untouched + bytes <= this.#bytes.length) {
      const place = this.#untouched;
      this.#untouched += bytes;
      return place;
    }
    const larger = this.#take(rank + 1);
    if (larger === 0) return 0;
    for (let rest = bytes; rest < this.#sizes[rank + 1].bytes; rest += bytes) {
      free.push(larger + rest);
    }
    return larger;
  }
}
