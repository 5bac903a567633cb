/**
 * What an application sends before its stream is connected.
 *
 * @module
 */

/** Most bytes that are kept for one stream. */
const LIMIT = 64 * 1024;

/** Bytes allocated for the first data; doubled until {@link LIMIT}. */
const FIRST_CAPACITY = 2048;

/**
 * What the application has sent before CONNECTED arrived (optimistic data), at most 64 KiB.
 *
 * The door appends. Each attempt to open the stream first writes {@link bytes} and then follows
 * the appends through {@link onAppend}, so that a retry on another circuit sends all of it again.
 * When CONNECTED has arrived, and everything in {@link bytes} waits in the stream's queue of writes
 * at least, the opener calls {@link close} and resolves with the stream; what the application sends
 * from then on, the door writes to the stream itself, behind the rest. So no byte is lost, doubled
 * or reordered, whichever promise runs first.
 */
export class EarlyData {
  /** Most bytes that are kept for one stream: 64 KiB. */
  static readonly LIMIT = LIMIT;

  /**
   * Called with every append, with a view of what was appended, which stays valid. There is one
   * subscriber: the current attempt, which sets itself here and replaces the attempt before.
   */
  onAppend: ((bytes: Uint8Array) => void) | undefined;

  #buffer = new Uint8Array(0);
  #length = 0;
  #closed = false;

  /** All that was appended so far, empty once closed: a view that stays valid and does not grow. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** How many bytes can still be appended; 0 when closed. */
  get room(): number {
    return this.#closed ? 0 : LIMIT - this.#length;
  }

  /** Whether the opener has taken everything and handed the stream over. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes a copy of all of `bytes`, or of nothing.
   *
   * @returns false when nothing was taken, because there is not enough {@link room} (the door
   * stops reading) or the data is closed (the door writes to the stream)
   */
  append(bytes: Uint8Array): boolean {
    if (this.#closed || bytes.length > this.room) return false;
    const start = this.#length;
    this.#reserve(start + bytes.length);
    this.#buffer.set(bytes, start);
    this.#length += bytes.length;
    this.onAppend?.(this.#buffer.subarray(start, this.#length));
    return true;
  }

  /** Takes nothing more, and lets go of the bytes and the subscriber. */
  close(): void {
    this.#closed = true;
    this.onAppend = undefined;
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
  }

  /** Makes the buffer hold `length` bytes; views of the one before stay valid, as bytes never change. */
  #reserve(length: number): void {
    if (length <= this.#buffer.length) return;
    let capacity = Math.max(this.#buffer.length, FIRST_CAPACITY);
    while (capacity < length) capacity *= 2;
    const larger = new Uint8Array(capacity);
    larger.set(this.bytes);
    this.#buffer = larger;
  }
}
