/**
 * What has arrived on a stream and was not read yet.
 *
 * @module
 */
import { BufferPool } from "./buffer_pool.ts";

/** The most that a buffer is large from the start because as much came lately, in bytes. */
const LARGEST_FIRST = 512 * 1024;

const NOTHING = new Uint8Array(0);
const pool = new BufferPool();

/**
 * Two buffers that change places: one is being filled, the other has been handed to the reader.
 * Bytes are copied once, from the cell. How much may come is for the stream's flow control to
 * bound. While nothing waits there is no buffer.
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
    drop(this.#handedOut);
    this.#handedOut = NOTHING;
    if (this.#length === 0) {
      drop(this.#filling);
      this.#filling = NOTHING;
    }
    return given;
  }

  #grow(needed: number): void {
    // As much as came the last times, so that a stream in full flow need not grow step by step.
    const larger = pool.take(Math.max(needed, Math.min(this.#recent, LARGEST_FIRST)));
    larger.set(this.#filling.subarray(0, this.#length));
    drop(this.#filling);
    this.#filling = larger;
  }
}

function drop(buffer: Uint8Array<ArrayBuffer>): void {
  if (buffer !== NOTHING) pool.give(buffer);
}
