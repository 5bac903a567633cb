/**
 * A strict reader of DER, for the little ASN.1 that Tor needs.
 *
 * @module
 */
import { CryptoError } from "./errors.ts";

/** The tags that are read (X.690). */
export const DerTag = {
  Boolean: 0x01,
  Integer: 0x02,
  BitString: 0x03,
  OctetString: 0x04,
  Null: 0x05,
  ObjectIdentifier: 0x06,
  UtcTime: 0x17,
  GeneralizedTime: 0x18,
  Sequence: 0x30,
  /** Context-specific and constructed, number 0; the following numbers are the following tags. */
  Context0: 0xa0,
} as const;

/** Reads the elements of one constructed value one after the other. All results are views. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The tag of the next element; `undefined` at the end. */
  get nextTag(): number | undefined {
    return this.#at < this.#bytes.length ? this.#bytes[this.#at] : undefined;
  }

  /**
   * The contents of the next element, which must have this tag.
   *
   * @throws CryptoError `der-malformed`
   */
  read(tag: number): Uint8Array {
    const start = this.#header(tag);
    return this.#bytes.subarray(start, this.#at);
  }

  /**
   * The next element, which must have this tag, with its tag and length.
   *
   * @throws CryptoError `der-malformed`
   */
  readWhole(tag: number): Uint8Array {
    const start = this.#at;
    this.#header(tag);
    return this.#bytes.subarray(start, this.#at);
  }

  /**
   * A reader of the contents of the next element, which must have this tag.
   *
   * @throws CryptoError `der-malformed`
   */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag));
  }

  /**
   * The next element, a positive integer or zero, without leading zeros: big-endian, at least one
   * byte.
   *
   * @throws CryptoError `der-malformed`
   */
  readUnsigned(): Uint8Array {
    const contents = this.read(DerTag.Integer);
    if (contents.length === 0) throw malformed("an integer without digits");
    if (contents[0] >= 0x80) throw malformed("a negative integer");
    if (contents[0] !== 0 || contents.length === 1) return contents;
    if (contents[1] < 0x80) throw malformed("an integer with a leading zero");
    return contents.subarray(1);
  }

  /**
   * The next element, a bit string of whole bytes.
   *
   * @throws CryptoError `der-malformed`
   */
  readBitString(): Uint8Array {
    const contents = this.read(DerTag.BitString);
    if (contents.length === 0 || contents[0] !== 0) {
      throw malformed("a bit string that is not whole bytes");
    }
    return contents.subarray(1);
  }

  /**
   * Refuses bytes after the last element.
   *
   * @throws CryptoError `der-malformed`
   */
  finish(): void {
    if (this.#at !== this.#bytes.length) throw malformed("bytes after the last element");
  }

  /** Moves to the end of the next element; returns where its contents begin. */
  #header(tag: number): number {
    const bytes = this.#bytes;
    if (this.nextTag !== tag) throw malformed(`no element of tag ${tag}`);
    let at = this.#at + 1;
    if (at >= bytes.length) throw malformed("an element without a length");
    let length = bytes[at++];
    if (length >= 0x80) {
      // Three bytes of length are more than any cell or document brings.
      const count = length & 0x7f;
      if (count < 1 || count > 3) throw malformed(`a length of ${count} bytes`);
      if (at + count > bytes.length) throw malformed("a length that is cut off");
      length = 0;
      for (let digit = 0; digit < count; digit++) length = length << 8 | bytes[at++];
      if (length < (count === 1 ? 0x80 : 1 << 8 * (count - 1))) {
        throw malformed("a length longer than needed");
      }
    }
    if (at + length > bytes.length) throw malformed("an element that is cut off");
    this.#at = at + length;
    return at;
  }
}

function malformed(what: string): CryptoError {
  return new CryptoError("der-malformed", `malformed DER: ${what}`);
}
