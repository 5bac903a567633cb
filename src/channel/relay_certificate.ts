/**
 * What the certificate of a relay's TLS link must be by itself, before any cell is trusted.
 *
 * Its names are random and nobody vouches for it, so that it says nothing about who the relay is;
 * that the CERTS cell must say, for a certificate with exactly these bytes (see certs.ts). C tor
 * looks at less of it where the CERTS cell has an Ed25519 certificate for the link; all relays that
 * do what the specification says pass.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { DerReader, DerTag } from "../crypto/der.ts";
import {
  type CertificateFields,
  type CertificateKey,
  readCertificateFields,
  refuseMalformed,
} from "./certificate_fields.ts";
import { ChannelError, type ChannelErrorCode } from "./errors.ts";
import { x509Validity } from "./x509_validity.ts";

/** A TLS certificate that passed {@link verifyRelayCertificate}; nothing else makes one. */
export class VerifiedRelayCertificate {
  readonly #sha256: Uint8Array;

  private constructor(sha256: Uint8Array) {
    this.#sha256 = sha256;
  }

  /** Does the work of {@link verifyRelayCertificate}. */
  static of(certificate: Uint8Array, now: number): VerifiedRelayCertificate {
    const fields = readCertificateFields(certificate);
    checkTimes(fields, now);
    const hash = acceptableHash(fields);
    checkKey(fields);
    checkSelfSignature(fields, hash);
    checkKeyUsage(fields);
    checkExtendedKeyUsage(fields);
    return new VerifiedRelayCertificate(createHash("sha256").update(certificate).digest());
  }

  /** Whether this is the SHA-256 of its DER: 32 bytes, which the relay's signing key certifies. */
  hasSha256(digest: Uint8Array): boolean {
    return digest.length === this.#sha256.length && timingSafeEqual(digest, this.#sha256);
  }
}

/**
 * Verifies the certificate that a relay's TLS handshake was done with, as far as it can be verified
 * alone:
 *
 * | check               | demand                                                               |
 * | ------------------- | -------------------------------------------------------------------- |
 * | encoding            | DER of X.509 version 3, every byte as it must be                      |
 * | times               | ended at most 2 days ago, begins in at most 30 days                   |
 * | signature algorithm | RSA (PKCS#1 v1.5) or ECDSA with SHA-256, SHA-384 or SHA-512           |
 * | key                 | RSA of 2,048 bits or more, or ECDSA on P-256, P-384 or P-521          |
 * | signature           | right, if it names itself as its issuer                               |
 * | key usage           | digitalSignature, if any is named: all handshakes that Deno does sign |
 * | extended key usage  | serverAuth or any, if any is named                                    |
 *
 * A relay of C tor has an RSA key of 2,048 bits, signed with SHA-256 by its identity key of 1,024
 * bits, whose certificate is not in the handshake but in the CERTS cell.
 *
 * @param certificate DER; the handshake has proved that the peer owns its key
 * @param now milliseconds since the epoch
 * @throws ChannelError a code that begins with `tls-certificate-`, another one for each check
 */
export function verifyRelayCertificate(
  certificate: Uint8Array,
  now: number,
): VerifiedRelayCertificate {
  return VerifiedRelayCertificate.of(certificate, now);
}

const DER_NULL = "0500";
const NO_PARAMETERS = "";

/** What a signature algorithm hashes with, and the parameters that its identifier must have. */
const SIGNATURE_ALGORITHMS: ReadonlyMap<string, readonly [hash: string, parameters: string]> =
  new Map([
    // 1.2.840.113549.1.1.11 to 13, sha256WithRSAEncryption and longer ones
    ["2a864886f70d01010b", ["sha256", DER_NULL]],
    ["2a864886f70d01010c", ["sha384", DER_NULL]],
    ["2a864886f70d01010d", ["sha512", DER_NULL]],
    // 1.2.840.10045.4.3.2 to 4, ecdsa-with-SHA256 and longer ones
    ["2a8648ce3d040302", ["sha256", NO_PARAMETERS]],
    ["2a8648ce3d040303", ["sha384", NO_PARAMETERS]],
    ["2a8648ce3d040304", ["sha512", NO_PARAMETERS]],
  ]);

/** The least length of an RSA link key (tor-spec has C tor's: 2,048 bits). */
const LEAST_RSA_BITS = 2048;
/** 1.2.840.10045.2.1 */
const EC_PUBLIC_KEY = "2a8648ce3d0201";
/** Named curves, as the DER of a key's parameters. */
const CURVES: ReadonlySet<string> = new Set([
  "06082a8648ce3d030107", // 1.2.840.10045.3.1.7, P-256
  "06052b81040022", // 1.3.132.0.34, P-384
  "06052b81040023", // 1.3.132.0.35, P-521
]);

/** 2.5.29.15 */
const KEY_USAGE = "551d0f";
/** The first bit of the first byte. */
const DIGITAL_SIGNATURE = 0x80;
/** 2.5.29.37 */
const EXTENDED_KEY_USAGE = "551d25";
const SERVER_USAGES: ReadonlySet<string> = new Set([
  "2b06010505070301", // 1.3.6.1.5.5.7.3.1, serverAuth
  "551d2500", // 2.5.29.37.0, any
]);

function checkTimes({ certificate }: CertificateFields, now: number): void {
  switch (x509Validity(certificate, now)) {
    case "expired":
      throw refused("tls-certificate-expired", "has ended");
    case "not-yet-valid":
      throw refused("tls-certificate-not-yet-valid", "has not begun");
  }
}

/** The name of the hash that the certificate is signed with. */
function acceptableHash({ certificate, signatureParameters }: CertificateFields): string {
  const method = SIGNATURE_ALGORITHMS.get(certificate.signatureAlgorithm.toHex());
  if (method === undefined || method[1] !== signatureParameters.toHex()) {
    throw refused("tls-certificate-algorithm", "is signed with an algorithm that is not accepted");
  }
  return method[0];
}

function checkKey({ certificate: { publicKey }, key }: CertificateFields): void {
  if (publicKey.kind === "rsa") {
    if (publicKey.key.bits >= LEAST_RSA_BITS) return;
    throw refused("tls-certificate-key", `is for an RSA key of only ${publicKey.key.bits} bits`);
  }
  if (key.algorithm !== EC_PUBLIC_KEY || !CURVES.has(key.parameters.toHex())) {
    throw refused("tls-certificate-key", "is for a key of a kind that is not accepted");
  }
}

/** One that names itself as its issuer must be signed by its key; else the issuer is not there. */
function checkSelfSignature(fields: CertificateFields, hash: string): void {
  const { certificate, issuer, subject, key } = fields;
  if (issuer.toHex() !== subject.toHex()) return;
  if (!isSignedBy(key, hash, certificate.signed, certificate.signature)) {
    throw refused(
      "tls-certificate-signature",
      "names itself as its issuer and is not signed by its own key",
    );
  }
}

function isSignedBy(
  key: CertificateKey,
  hash: string,
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const { info } = key;
    const publicKey = createPublicKey({ key: Buffer.from(info), format: "der", type: "spki" });
    return verify(hash, signed, publicKey, signature);
  } catch {
    // A point that is not on the curve, or a hash that does not go with the key.
    return false;
  }
}

function checkKeyUsage({ extensions }: CertificateFields): void {
  const value = extensions.get(KEY_USAGE);
  if (value === undefined) return;
  const usage = refuseMalformed(() => {
    const reader = new DerReader(value);
    const bits = reader.read(DerTag.BitString);
    reader.finish();
    return bits;
  });
  // The first byte counts the unused bits of the last one.
  if (usage.length < 2 || (usage[1] & DIGITAL_SIGNATURE) === 0) {
    throw refused("tls-certificate-key-usage", "must not be used for signatures");
  }
}

function checkExtendedKeyUsage({ extensions }: CertificateFields): void {
  const value = extensions.get(EXTENDED_KEY_USAGE);
  if (value === undefined) return;
  const usages = refuseMalformed(() => {
    const found: string[] = [];
    const reader = new DerReader(value).enter(DerTag.Sequence);
    while (reader.nextTag !== undefined) found.push(reader.read(DerTag.ObjectIdentifier).toHex());
    return found;
  });
  if (!usages.some((usage) => SERVER_USAGES.has(usage))) {
    throw refused("tls-certificate-extended-key-usage", "must not be used by a TLS server");
  }
}

function refused(code: ChannelErrorCode, what: string): ChannelError {
  return new ChannelError(code, `the relay's TLS certificate ${what}`);
}
