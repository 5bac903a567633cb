/**
 * Tor's own certificate format (cert-spec).
 *
 * @module
 */
import { ED25519_KEY_LENGTH, ED25519_SIGNATURE_LENGTH, ed25519Verify } from "./ed25519.ts";
import { CryptoError } from "./errors.ts";

/** What a certificate says its certified key is for (cert-spec, "List of certificate types"). */
export const CertType = {
  /** A relay's signing key, signed with its identity key. */
  IdentitySigning: 4,
  /** A TLS link certificate, signed with the signing key. */
  SigningLink: 5,
  /** A link authentication key, signed with the signing key. */
  SigningAuth: 6,
} as const;

/** What kind of key is certified (cert-spec, "List of certified key types"). */
export const CertKeyType = {
  Ed25519: 1,
  Sha256OfRsa: 2,
  Sha256OfX509: 3,
} as const;

const EXTENSION_SIGNED_WITH_KEY = 4;
const FLAG_AFFECTS_VALIDATION = 1;

/** Length of the fields before the extensions, in bytes. */
const FIXED_LENGTH = 40;
const HOUR = 3_600_000;

/** A certificate that is well formed; its signature and its time are still to be checked. */
export interface Ed25519Certificate {
  /** CERT_TYPE: mostly one of {@link CertType}. */
  readonly certType: number;
  /** CERT_KEY_TYPE: mostly one of {@link CertKeyType}, though old relays say Ed25519 for all. */
  readonly certKeyType: number;
  /** The certified key, or the digest of it: 32 bytes. */
  readonly certifiedKey: Uint8Array;
  /** When it stops to be valid, in milliseconds since the epoch; a whole hour. */
  readonly expires: number;
  /** The key in the extension signed-with-ed25519-key: 32 bytes. */
  readonly signingKey: Uint8Array | undefined;
  /** What the signature covers. */
  readonly signed: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/**
 * Reads a certificate that fills all of `bytes`. The result's arrays are views of `bytes`.
 *
 * | bytes | field                                                          |
 * | ----- | -------------------------------------------------------------- |
 * | 1     | version: 1                                                     |
 * | 1     | CERT_TYPE                                                      |
 * | 4     | EXPIRATION_DATE, hours since the epoch                         |
 * | 1     | CERT_KEY_TYPE                                                  |
 * | 32    | CERTIFIED_KEY                                                  |
 * | 1     | number of extensions                                           |
 * | any   | extensions: length of data (2), type (1), flags (1), data      |
 * | 64    | signature                                                      |
 *
 * @throws CryptoError `certificate-malformed`; `certificate-extension-unknown` when an extension
 *   that affects validation is not known
 */
export function parseEd25519Certificate(bytes: Uint8Array): Ed25519Certificate {
  const end = bytes.length - ED25519_SIGNATURE_LENGTH;
  if (end < FIXED_LENGTH) throw malformed(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint8(0) !== 1) throw malformed(`version ${view.getUint8(0)} is not known`);

  let signingKey: Uint8Array | undefined;
  let at = FIXED_LENGTH;
  for (let left = view.getUint8(39); left > 0; left--) {
    if (at + 4 > end) throw malformed("an extension is cut off");
    const length = view.getUint16(at);
    const type = view.getUint8(at + 2);
    const flags = view.getUint8(at + 3);
    const data = at + 4;
    at = data + length;
    if (at > end) throw malformed("an extension is cut off");
    if (type === EXTENSION_SIGNED_WITH_KEY) {
      if (length !== ED25519_KEY_LENGTH) throw malformed(`a signing key of ${length} bytes`);
      if (signingKey !== undefined) throw malformed("two signing keys");
      signingKey = bytes.subarray(data, at);
    } else if ((flags & FLAG_AFFECTS_VALIDATION) !== 0) {
      throw new CryptoError(
        "certificate-extension-unknown",
        `an Ed25519 certificate depends on extension ${type}, which is not known`,
      );
    }
  }
  if (at !== end) throw malformed(`${end - at} bytes too many`);

  return {
    certType: view.getUint8(1),
    certKeyType: view.getUint8(6),
    certifiedKey: bytes.subarray(7, 39),
    expires: view.getUint32(2) * HOUR,
    signingKey,
    signed: bytes.subarray(0, end),
    signature: bytes.subarray(end),
  };
}

/**
 * Checks the signature with the key that the certificate is expected to be signed with.
 *
 * @param key 32 bytes
 * @throws CryptoError `certificate-signature-bad`, also when the certificate names another key
 */
export function verifyEd25519Certificate(certificate: Ed25519Certificate, key: Uint8Array): void {
  const named = certificate.signingKey;
  if (named !== undefined && !sameBytes(named, key)) {
    throw new CryptoError("certificate-signature-bad", "an Ed25519 certificate names another key");
  }
  if (!ed25519Verify(key, certificate.signed, certificate.signature)) {
    throw new CryptoError(
      "certificate-signature-bad",
      "the signature of an Ed25519 certificate is not of the expected key",
    );
  }
}

/** Whether the certificate's last hour is over at `now` (milliseconds since the epoch). */
export function isExpired(certificate: { readonly expires: number }, now: number): boolean {
  return certificate.expires < now;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function malformed(what: string): CryptoError {
  return new CryptoError("certificate-malformed", `malformed Ed25519 certificate: ${what}`);
}
