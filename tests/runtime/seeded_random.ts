/**
 * Repeatable randomness.
 *
 * @module
 */
import type { RandomSource } from "../../src/runtime/random.ts";

/** The same bytes for the same seed, whatever the machine (xorshift32). */
export class SeededRandom implements RandomSource {
  #state: number;

  /** @param seed any integer but 0 */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  fill(bytes: Uint8Array<ArrayBuffer>): void {
    for (let index = 0; index < bytes.length; index++) {
      this.#state ^= this.#state << 13;
      this.#state ^= this.#state >>> 17;
      this.#state ^= this.#state << 5;
      bytes[index] = this.#state;
    }
  }
}
