/**
 * The two identities of a relay, as types of their own, so that one is never taken for the other
 * or for any other string. Both are canonical text: equal identities are equal (`===`) and can
 * key a Map.
 *
 * @module
 */

declare const rsaBrand: unique symbol;
declare const ed25519Brand: unique symbol;

/** SHA-1 of a relay's PKCS#1 RSA identity key: 40 upper-case hexadecimal digits (20 bytes). */
export type RsaIdentity = string & { readonly [rsaBrand]: true };

/** A relay's Ed25519 identity key: 43 digits of unpadded base64 (32 bytes). */
export type Ed25519Identity = string & { readonly [ed25519Brand]: true };

/** @throws RangeError unless `bytes` has 20 bytes */
export function rsaIdentityFromBytes(bytes: Uint8Array): RsaIdentity {
  if (bytes.length !== 20) {
    throw new RangeError(`an RSA identity has 20 bytes, not ${bytes.length}`);
  }
  return bytes.toHex().toUpperCase() as RsaIdentity;
}

/** Reads 40 hexadecimal digits of either case; `undefined` when `text` is anything else. */
export function parseRsaIdentity(text: string): RsaIdentity | undefined {
  return /^[0-9A-Fa-f]{40}$/.test(text) ? text.toUpperCase() as RsaIdentity : undefined;
}

/** The 20 bytes of an RSA identity. */
export function rsaIdentityBytes(identity: RsaIdentity): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(identity);
}

/** @throws RangeError unless `bytes` has 32 bytes */
export function ed25519IdentityFromBytes(bytes: Uint8Array): Ed25519Identity {
  if (bytes.length !== 32) {
    throw new RangeError(`an Ed25519 identity has 32 bytes, not ${bytes.length}`);
  }
  return bytes.toBase64({ omitPadding: true }) as Ed25519Identity;
}

/** Reads base64 with or without padding; `undefined` when `text` is not 32 bytes of it. */
export function parseEd25519Identity(text: string): Ed25519Identity | undefined {
  const bare = text.replace(/=$/, "");
  if (!/^[A-Za-z0-9+/]{43}$/.test(bare)) return undefined;
  // Decoded and encoded again, because the last digit carries two bits that must be zero.
  const bytes = Uint8Array.fromBase64(bare, { lastChunkHandling: "loose" });
  return ed25519IdentityFromBytes(bytes);
}

/** The 32 bytes of an Ed25519 identity. */
export function ed25519IdentityBytes(identity: Ed25519Identity): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(identity, { lastChunkHandling: "loose" });
}
