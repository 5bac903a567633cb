/**
 * Buffers for what has arrived on streams, used again and again.
 *
 * @module
 */

/** The smallest buffer, in bytes. */
const SMALLEST = 8 * 1024;
/** The largest buffer that is kept, in bytes. */
const LARGEST_KEPT = 512 * 1024;
/** From this size on a larger buffer is larger by as much, in bytes; below it is twice as large. */
const LARGEST_STEP = 256 * 1024;
/** How much is kept of buffers of each size, in bytes. */
const KEPT_OF_EACH_SIZE = 512 * 1024;

/**
 * Buffers that no stream uses, a little of each size. Left to the collector, which sees but small
 * objects, the buffers that one busy stream drops would come to tens of megabytes; and a thousand
 * idle streams must not hold one each.
 */
export class BufferPool {
  readonly #free = new Map<number, Uint8Array<ArrayBuffer>[]>();

  /** A buffer of at least so many bytes; of what it contains nothing may be read. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    let size = SMALLEST;
    while (size < bytes) size += Math.min(size, LARGEST_STEP);
    return this.#free.get(size)?.pop() ?? new Uint8Array(size);
  }

  /** Takes back a buffer that nobody uses any more: no view of it is valid from now on. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    const size = buffer.length;
    let free = this.#free.get(size);
    if (size > LARGEST_KEPT || (free?.length ?? 0) * size >= KEPT_OF_EACH_SIZE) {
      // Gives its memory back now, not when the collector comes.
      buffer.buffer.transfer(0);
      return;
    }
    if (free === undefined) this.#free.set(size, free = []);
    free.push(buffer);
  }
}
