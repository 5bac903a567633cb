/**
 * The name of a microdescriptor: what the consensus lists, and what it is downloaded by.
 *
 * @module
 */

declare const digestBrand: unique symbol;

/** SHA-256 of a microdescriptor: 43 digits of unpadded base64 (32 bytes). */
export type MicrodescriptorDigest = string & { readonly [digestBrand]: true };

/** Reads 43 digits of base64; `undefined` when `text` is anything else. */
export function parseMicrodescriptorDigest(text: string): MicrodescriptorDigest | undefined {
  // The last digit carries two bits that must be zero, so that equal digests are equal text.
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]$/.test(text)
    ? text as MicrodescriptorDigest
    : undefined;
}

/** @throws RangeError unless `bytes` has 32 bytes */
export function microdescriptorDigestFromBytes(bytes: Uint8Array): MicrodescriptorDigest {
  if (bytes.length !== 32) {
    throw new RangeError(`a microdescriptor digest has 32 bytes, not ${bytes.length}`);
  }
  return bytes.toBase64({ omitPadding: true }) as MicrodescriptorDigest;
}

/** The 32 bytes of a digest. */
export function microdescriptorDigestBytes(digest: MicrodescriptorDigest): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(digest);
}
