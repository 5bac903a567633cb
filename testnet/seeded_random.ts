/**
 * Repeatable randomness for embedded networks and their tests.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { RandomSource } from "../src/runtime/random.ts";

/** Bytes that look random and are the same for the same seed: SHA-256 of the seed and a counter. */
export class SeededRandom implements RandomSource {
  readonly #seed: string;
  #block = new Uint8Array(0);
  #used = 0;
  #counter = 0;

  constructor(seed: string | number) {
    this.#seed = String(seed);
  }

  /** A source of its own, which what is drawn from this one does not change. */
  fork(name: string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${name}`);
  }

  fill(bytes: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#used === this.#block.length) this.#nextBlock();
      const piece = this.#block.subarray(this.#used, this.#used + bytes.length - at);
      bytes.set(piece, at);
      at += piece.length;
      this.#used += piece.length;
    }
  }

  #nextBlock(): void {
    const digest = createHash("sha256").update(`${this.#seed}#${this.#counter++}`).digest();
    this.#block = new Uint8Array(digest);
    this.#used = 0;
  }
}
