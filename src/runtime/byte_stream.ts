/**
 * A two-way stream of bytes, as streams through Tor are handed to the rooms that use them.
 *
 * @module
 */

/** One direction each way; there is no half-close in Tor, so closing ends both. */
export interface ByteStream {
  /**
   * Waits until something has arrived and gives all of it: a view that stays valid only until the
   * next call. `null` is the end of the stream.
   *
   * @throws the stream's error when it ended for another reason than its end
   */
  read(): Promise<Uint8Array | null>;
  /**
   * Takes all of `bytes`; resolves when they have been packaged into cells, which waits for the
   * flow-control windows. The caller must leave `bytes` alone until then.
   *
   * @throws the stream's error when it is closed
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends both directions at once. Closing twice does nothing. */
  close(): void;
}
