/**
 * What has arrived on a stream and was not read yet.
 *
 * @module
 */

/** First size of a buffer, in bytes; it doubles when needed. */
const FIRST_SIZE = 8 * 1024;
/** From this size on a buffer grows by as much, in bytes. */
const LARGEST_STEP = 256 * 1024;
/** The largest buffer that is kept while nothing waits, in bytes: as much as one TLS read brings. */
const LARGEST_KEPT = 64 * 1024;

const NOTHING = new Uint8Array(0);

/**
 * Two buffers that change places: one is being filled, the other has been handed to the reader.
 * Bytes are copied once, from the cell. How much may come is for the stream's flow control to
 * bound. While nothing waits there is one buffer at most, no larger than 64 KiB nor four times what
 * was taken at once lately.
 */
export class ReceiveBuffer {
  #filling = NOTHING;
  #length = 0;
  /** What the reader has, and how much of it is filled. */
  #handedOut = NOTHING;
  #taken = 0;
  /** The most that was taken at once, fading by an eighth with each time. */
  #recent = 0;

  /** Bytes that were not taken yet. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that were not taken yet, and those that were taken and not given back. */
  get waiting(): number {
    return this.#length + this.#taken;
  }

  /** The most bytes that were taken at once lately. */
  get recent(): number {
    return this.#recent;
  }

  /** Bytes of memory. */
  get capacity(): number {
    return this.#filling.length + this.#handedOut.length;
  }

  /** Appends `length` bytes of `source` from `offset` on. */
  append(source: Uint8Array, offset: number, length: number): void {
    const end = this.#length + length;
    if (end > this.#filling.length) this.#grow(end);
    // One memory move; a view for each message is cheaper than a loop over its bytes.
    this.#filling.set(source.subarray(offset, offset + length), this.#length);
    this.#length = end;
  }

  /** Everything, as a view that stays valid until it is given back. What was taken before is given back. */
  take(): Uint8Array {
    if (this.#taken > 0) this.giveBack();
    const taken = this.#length;
    const view = this.#filling.subarray(0, taken);
    [this.#filling, this.#handedOut] = [this.#handedOut, this.#filling];
    this.#length = 0;
    this.#taken = taken;
    this.#recent = Math.max(taken, this.#recent - (this.#recent >> 3));
    return view;
  }

  /**
   * The reader has dealt with what it took last: its view is no longer valid.
   *
   * @returns how many bytes it was
   */
  giveBack(): number {
    const given = this.#taken;
    this.#taken = 0;
    if (this.#length === 0) this.#shrink();
    return given;
  }

  /** Nothing waits: keeps one buffer, if it is of a size that has been of use. */
  #shrink(): void {
    const [smaller, larger] = this.#filling.length < this.#handedOut.length
      ? [this.#filling, this.#handedOut]
      : [this.#handedOut, this.#filling];
    const most = Math.min(LARGEST_KEPT, Math.max(FIRST_SIZE, 4 * this.#recent));
    this.#filling = larger.length <= most ? larger : smaller.length <= most ? smaller : NOTHING;
    this.#handedOut = NOTHING;
  }

  #grow(needed: number): void {
    let size = Math.max(this.#filling.length, FIRST_SIZE);
    // As much as came the last times, so that a stream in full flow need not grow step by step.
    while (size < Math.min(this.#recent, LARGEST_KEPT)) size *= 2;
    while (size < needed) size += Math.min(size, LARGEST_STEP);
    const larger = new Uint8Array(size);
    larger.set(this.#filling.subarray(0, this.#length));
    this.#filling = larger;
  }
}
