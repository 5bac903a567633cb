/**
 * What has arrived on a stream and was not read yet.
 *
 * @module
 */

/** First size of the buffer, in bytes; it doubles when needed. */
const FIRST_SIZE = 8 * 1024;

/**
 * Two buffers that change places: one is being filled, the other has been handed to the reader.
 * Bytes are copied once, from the cell. The size is bounded by the stream's window: 500 messages
 * of 498 bytes are 249,000 bytes.
 */
export class ReceiveBuffer {
  #filling = new Uint8Array(0);
  #length = 0;
  #handedOut = new Uint8Array(0);

  /** Bytes that were not taken yet. */
  get length(): number {
    return this.#length;
  }

  /** Appends `length` bytes of `source` from `offset` on. */
  append(source: Uint8Array, offset: number, length: number): void {
    const end = this.#length + length;
    if (end > this.#filling.length) {
      let size = Math.max(this.#filling.length, FIRST_SIZE);
      while (size < end) size *= 2;
      const larger = new Uint8Array(size);
      larger.set(this.#filling.subarray(0, this.#length));
      this.#filling = larger;
    }
    // One memory move; a view for each message is cheaper than a loop over its bytes.
    this.#filling.set(source.subarray(offset, offset + length), this.#length);
    this.#length = end;
  }

  /** Everything, as a view that stays valid until the next call. */
  take(): Uint8Array {
    const view = this.#filling.subarray(0, this.#length);
    [this.#filling, this.#handedOut] = [this.#handedOut, this.#filling];
    this.#length = 0;
    return view;
  }
}
