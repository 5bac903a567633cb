/**
 * The running SHA-1 digest over all relay payloads that one hop has exchanged in one direction.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, type Hash } from "node:crypto";

/** A SHA-1 digest over a seed and every payload added since (tor-spec, relay cells, "Digest"). */
export class RunningDigest {
  readonly #hash: Hash;
  #value: Uint8Array = Buffer.alloc(20);

  /** @param seed Df or Db of the handshake, 20 bytes */
  constructor(seed: Uint8Array) {
    if (seed.length !== 20) throw new RangeError(`a digest seed has 20 bytes, not ${seed.length}`);
    this.#hash = createHash("sha1").update(seed);
  }

  /** The 20-byte digest after the last payload that was added; zeros before the first. Not a copy. */
  get value(): Uint8Array {
    return this.#value;
  }

  /** Adds `payload`. */
  add(payload: Uint8Array): void {
    this.#hash.update(payload);
    this.#value = this.#hash.copy().digest();
  }

  /**
   * Adds `payload` if the digest would then begin with these four bytes (big-endian in
   * `expected`); otherwise the running digest stays as it was. Returns whether it was added.
   */
  addIfDigestBegins(expected: number, payload: Uint8Array): boolean {
    const value = this.#hash.copy().update(payload).digest();
    // One comparison of all 32 bits: its time does not tell how many of them agree.
    if (value.readInt32BE(0) !== expected) return false;
    // Hashing twice costs less than keeping a second copy to go back to.
    this.#hash.update(payload);
    this.#value = value;
    return true;
  }
}
