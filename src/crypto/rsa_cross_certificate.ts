/**
 * The certificate with which a relay's RSA identity vouches for its Ed25519 identity.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { ED25519_KEY_LENGTH } from "./ed25519.ts";
import { CryptoError } from "./errors.ts";
import { type RsaPublicKey, rsaVerifyRaw } from "./rsa.ts";

const PREFIX = new TextEncoder().encode("Tor TLS RSA/Ed25519 cross-certificate");
const SIGNED_LENGTH = ED25519_KEY_LENGTH + 4;
const HOUR = 3_600_000;

/** A cross-certificate that is well formed; its signature and time are still to be checked. */
export interface RsaCrossCertificate {
  /** The Ed25519 identity that is certified: 32 bytes. */
  readonly ed25519Key: Uint8Array;
  /** When it stops to be valid, in milliseconds since the epoch; a whole hour. */
  readonly expires: number;
  /** What the signature covers, without its prefix. */
  readonly signed: Uint8Array;
  /** At most 255 bytes. */
  readonly signature: Uint8Array;
}

/**
 * Reads a cross-certificate that fills all of `bytes` (cert-spec, rsa-cross-cert). The result's
 * arrays are views of `bytes`.
 *
 * | bytes  | field                                  |
 * | ------ | -------------------------------------- |
 * | 32     | ED25519_KEY                            |
 * | 4      | EXPIRATION_DATE, hours since the epoch |
 * | 1      | SIGLEN                                 |
 * | SIGLEN | SIGNATURE                              |
 *
 * @throws CryptoError `certificate-malformed`
 */
export function parseRsaCrossCertificate(bytes: Uint8Array): RsaCrossCertificate {
  const at = SIGNED_LENGTH + 1;
  if (bytes.length < at || bytes.length !== at + bytes[SIGNED_LENGTH]) {
    throw new CryptoError(
      "certificate-malformed",
      `malformed RSA->Ed25519 cross-certificate of ${bytes.length} bytes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    ed25519Key: bytes.subarray(0, ED25519_KEY_LENGTH),
    expires: view.getUint32(ED25519_KEY_LENGTH) * HOUR,
    signed: bytes.subarray(0, SIGNED_LENGTH),
    signature: bytes.subarray(at),
  };
}

/**
 * Checks the signature with the relay's RSA identity key.
 *
 * @throws CryptoError `certificate-signature-bad`
 */
export function verifyRsaCrossCertificate(
  certificate: RsaCrossCertificate,
  key: RsaPublicKey,
): void {
  const digest = createHash("sha256").update(PREFIX).update(certificate.signed).digest();
  if (!rsaVerifyRaw(key, digest, certificate.signature)) {
    throw new CryptoError(
      "certificate-signature-bad",
      "the signature of a cross-certificate is not of the RSA identity",
    );
  }
}
