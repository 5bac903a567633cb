/**
 * The running SHA-1 digest over all relay payloads that one hop has exchanged in one direction.
 *
 * @module
 */
import { Sha1, SHA1_LENGTH } from "./sha1.ts";

/** The digest with a payload that may have to be taken back; used within one call. */
const candidate = new Uint8Array(SHA1_LENGTH);
const candidateView = new DataView(candidate.buffer);
/** The hash to go back to then. */
const before = new Sha1();

/** A SHA-1 digest over a seed and every payload added since (tor-spec, relay cells, "Digest"). */
export class RunningDigest {
  readonly #hash = new Sha1();
  readonly #value = new Uint8Array(SHA1_LENGTH);
  readonly #valueView = new DataView(this.#value.buffer);

  /** @param seed Df or Db of the handshake, 20 bytes */
  constructor(seed: Uint8Array) {
    if (seed.length !== 20) throw new RangeError(`a digest seed has 20 bytes, not ${seed.length}`);
    this.#hash.update(seed);
  }

  /** The 20-byte digest after the last payload that was added; zeros before the first. Not a copy. */
  get value(): Uint8Array {
    return this.#value;
  }

  /** Adds `payload`. */
  add(payload: Uint8Array): void {
    this.#hash.update(payload);
    this.#hash.digestInto(this.#valueView);
  }

  /**
   * Adds `payload` if the digest would then begin with these four bytes (big-endian in
   * `expected`); otherwise the running digest stays as it was. Returns whether it was added.
   */
  addIfDigestBegins(expected: number, payload: Uint8Array): boolean {
    before.copyFrom(this.#hash);
    this.#hash.update(payload);
    this.#hash.digestInto(candidateView);
    // One comparison of all 32 bits: its time does not tell how many of them agree.
    if (candidateView.getInt32(0) !== expected) {
      this.#hash.copyFrom(before);
      return false;
    }
    this.#value.set(candidate);
    return true;
  }
}
