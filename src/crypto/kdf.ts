/**
 * The two key derivation functions of circuit handshakes (tor-spec, setting-circuit-keys).
 *
 * @module
 */
import { createHash, hkdfSync } from "node:crypto";
import type { HopKeys } from "./relay_crypto.ts";

/** Length of what {@link hopKeysFrom} reads, in bytes. */
export const HOP_KEY_MATERIAL_LENGTH = 72;

/**
 * KDF-TOR: the first `length` bytes of H(K0 | 0) | H(K0 | 1) | ..., with H = SHA-1.
 *
 * @param k0 the shared secret, any length
 * @param length at most 256 digests of 20 bytes
 */
export function kdfTor(k0: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  if (length > 256 * 20) throw new RangeError(`KDF-TOR gives at most 5,120 bytes, not ${length}`);
  const material = new Uint8Array(Math.ceil(length / 20) * 20);
  for (let part = 0; part * 20 < length; part++) {
    const digest = createHash("sha1").update(k0).update(Uint8Array.of(part)).digest();
    material.set(digest, part * 20);
  }
  return material.slice(0, length);
}

/**
 * KDF-RFC5869: HKDF with SHA-256, extract and expand.
 *
 * @param secretInput the input key material
 * @param tKey the salt
 * @param mExpand the info, at most 1,024 bytes
 * @param length at most 8,160 bytes
 */
export function kdfRfc5869(
  secretInput: Uint8Array,
  tKey: Uint8Array,
  mExpand: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync("sha256", secretInput, tKey, mExpand, length));
}

/**
 * Cuts derived key material into one hop's keys, as views of it:
 *
 * | bytes | field |
 * | ----- | ----- |
 * | 20    | Df    |
 * | 20    | Db    |
 * | 16    | Kf    |
 * | 16    | Kb    |
 *
 * @throws RangeError unless `material` has 72 bytes
 */
export function hopKeysFrom(material: Uint8Array): HopKeys {
  if (material.length !== HOP_KEY_MATERIAL_LENGTH) {
    throw new RangeError(`a hop's keys have 72 bytes, not ${material.length}`);
  }
  return {
    forwardDigest: material.subarray(0, 20),
    backwardDigest: material.subarray(20, 40),
    forwardKey: material.subarray(40, 56),
    backwardKey: material.subarray(56, 72),
  };
}
