/**
 * RSA keys and Tor's bare RSA signatures.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { DerReader, DerTag } from "./der.ts";
import { CryptoError } from "./errors.ts";
import { type RsaIdentity, rsaIdentityFromBytes } from "./identity.ts";

/** The bounds of a modulus; the time of a verification grows with its square. */
const MIN_BITS = 1024;
const MAX_BITS = 16384;

/** An RSA public key that is within bounds. */
export interface RsaPublicKey {
  /** Length of the modulus in bits: 1,024 to 16,384. */
  readonly bits: number;
  readonly modulus: bigint;
  /** Odd, 3 to 2^32 - 1. */
  readonly exponent: bigint;
  /** The key in PKCS#1 form; a copy. */
  readonly der: Uint8Array;
}

/**
 * Reads a PKCS#1 RSAPublicKey that fills all of `der`: SEQUENCE of modulus and exponent.
 *
 * @throws CryptoError `der-malformed`; `rsa-key-refused` when a number is out of bounds
 */
export function parseRsaPublicKey(der: Uint8Array): RsaPublicKey {
  const outer = new DerReader(der);
  const sequence = outer.enter(DerTag.Sequence);
  outer.finish();
  const modulusBytes = sequence.readUnsigned();
  const exponentBytes = sequence.readUnsigned();
  sequence.finish();

  const bits = modulusBytes.length * 8 - Math.clz32(modulusBytes[0]) + 24;
  if (bits < MIN_BITS || bits > MAX_BITS) throw refused(`a modulus of ${bits} bits`);
  if (exponentBytes.length > 4) throw refused(`an exponent of ${exponentBytes.length} bytes`);
  const modulus = toBigInt(modulusBytes);
  const exponent = toBigInt(exponentBytes);
  if ((modulus & 1n) === 0n) throw refused("an even modulus");
  if ((exponent & 1n) === 0n || exponent < 3n) throw refused("an even exponent, or one of 1");
  return { bits, modulus, exponent, der: new Uint8Array(der) };
}

/** The identity of the relay or authority that has this key: SHA-1 of its PKCS#1 form. */
export function rsaIdentityOf(key: RsaPublicKey): RsaIdentity {
  return rsaIdentityFromBytes(createHash("sha1").update(key.der).digest());
}

/**
 * Whether `signature` is the PKCS#1 v1.5 signature of exactly `digest`, bare, without a
 * DigestInfo that names the hash: that is how Tor signs its documents and certificates.
 *
 * The whole padded message is compared, so nothing can hide behind a short padding.
 */
export function rsaVerifyRaw(
  key: RsaPublicKey,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const length = Math.ceil(key.bits / 8);
  // 00 01, at least eight times FF, 00, and the digest.
  if (signature.length !== length || digest.length > length - 11) return false;
  const value = toBigInt(signature);
  if (value >= key.modulus) return false;
  const expected = new Uint8Array(length).fill(0xff);
  expected[0] = 0;
  expected[1] = 1;
  expected[length - digest.length - 1] = 0;
  expected.set(digest, length - digest.length);
  return power(value, key.exponent, key.modulus) === toBigInt(expected);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = result * square % modulus;
    if (left > 1n) square = square * square % modulus;
  }
  return result;
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytes.toHex()}`);
}

function refused(what: string): CryptoError {
  return new CryptoError("rsa-key-refused", `an RSA key is refused: ${what}`);
}
