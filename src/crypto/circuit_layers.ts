/**
 * What does the work of relay crypto for one circuit: portable code or the kernel.
 *
 * @module
 */
import type { HopKeys } from "./hop_keys.ts";

/**
 * The layers of one circuit, from the guard's to the last hop's. {@link RelayCrypto} checks all
 * arguments before it calls, and calls nothing after `wipe`.
 */
export interface CircuitLayers {
  /** Number of hops that have been added. */
  readonly hops: number;
  /**
   * Adds the hop after the last one. The keys are copied.
   *
   * @throws RangeError when a key or digest has not the length that {@link HopKeys} says
   * @throws CryptoError `relay-crypto-memory-full`
   */
  addHop(keys: HopKeys): void;
  /** Seals the 509 bytes at `buffer[offset]` for `hop`, in place. */
  seal(buffer: Uint8Array, offset: number, hop: number): void;
  /** Opens the 509 bytes at `buffer[offset]`, in place; returns the hop, or -1 for nobody's. */
  open(buffer: Uint8Array, offset: number): number;
  /** The digest after the last payload sealed for `hop`: 20 bytes, zeros before the first. Not a copy. */
  sentDigest(hop: number): Uint8Array;
  /** The digest after the last payload opened from `hop`. Not a copy. */
  receivedDigest(hop: number): Uint8Array;
  /** Gives up key stream that was made ahead; it is made again when needed. */
  trim(): void;
  /** Overwrites keys and key streams. */
  wipe(): void;
}
