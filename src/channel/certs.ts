/**
 * Who is at the other end of a TLS link: the responder's certificates in a CERTS cell.
 *
 * @module
 */
import {
  CertKeyType,
  CertType,
  type Ed25519Certificate,
  isExpired,
  parseEd25519Certificate,
  verifyEd25519Certificate,
} from "../crypto/ed25519_certificate.ts";
import { CryptoError } from "../crypto/errors.ts";
import {
  type Ed25519Identity,
  ed25519IdentityFromBytes,
  type RsaIdentity,
} from "../crypto/identity.ts";
import { rsaIdentityOf, type RsaPublicKey } from "../crypto/rsa.ts";
import {
  parseRsaCrossCertificate,
  verifyRsaCrossCertificate,
} from "../crypto/rsa_cross_certificate.ts";
import { isSelfSigned, parseX509 } from "../crypto/x509.ts";
import { ChannelError, type ChannelErrorCode } from "./errors.ts";
import type { VerifiedRelayCertificate } from "./relay_certificate.ts";
import { x509Validity } from "./x509_validity.ts";

/** One certificate of a CERTS cell, as it came. */
export interface CellCertificate {
  /** CertType, 0 to 255. */
  readonly type: number;
  readonly body: Uint8Array;
}

/** The identities that a relay has proved to own. */
export interface VerifiedIdentities {
  readonly rsaIdentity: RsaIdentity;
  readonly ed25519Identity: Ed25519Identity;
}

// The certificate types of a CERTS cell (tor-spec, certs-cells). 1, 3 and 6 are known too, but
// prove nothing about a responder with an Ed25519 identity.
const RSA_ID = 2;
const RSA_CROSS = 7;
const LAST_KNOWN = 7;

/** The only size of a relay's RSA identity key. */
const RSA_ID_BITS = 1024;

/**
 * Checks that the responder of a TLS link is a relay with an RSA and an Ed25519 identity
 * (tor-spec, "to authenticate the responder as having a given Ed25519,RSA identity key
 * combination"):
 *
 * | type | certificate                                                                    |
 * | ---- | ------------------------------------------------------------------------------ |
 * | 2    | X.509, the 1,024-bit RSA identity key, signed by itself                         |
 * | 4    | the Ed25519 signing key, signed by the identity key that it names               |
 * | 5    | SHA-256 of the TLS certificate, signed by the signing key                       |
 * | 7    | the Ed25519 identity key, signed by the RSA identity key                        |
 *
 * It does not compare the identities with those that were expected.
 *
 * @param input.certs the certificates of the CERTS cell, in any order; unknown types are ignored
 * @param input.tlsCertificate the certificate that TLS has verified the link with
 * @param input.now milliseconds since the epoch
 * @throws ChannelError a code that begins with `certs-`, another one for each check that fails
 */
export function verifyRelayCerts(
  input: {
    readonly certs: readonly CellCertificate[];
    readonly tlsCertificate: VerifiedRelayCertificate;
    readonly now: number;
  },
): VerifiedIdentities {
  const { certs, tlsCertificate, now } = input;
  const byType = collect(certs);
  const signing = ed25519Certificate(byType, CertType.IdentitySigning, "certs-missing-signing");
  const link = ed25519Certificate(byType, CertType.SigningLink, "certs-missing-link");
  const idBody = required(byType, RSA_ID, "certs-missing-id");
  const crossBody = required(byType, RSA_CROSS, "certs-missing-cross");

  const identityKey = signing.signingKey;
  if (identityKey === undefined) {
    throw new ChannelError(
      "certs-signing-no-identity",
      "the relay's Ed25519 signing key certificate does not name its identity key",
    );
  }
  refuseExpired(signing, now, "certs-signing-expired", "signing key certificate");
  refuseBadSignature(
    () => verifyEd25519Certificate(signing, identityKey),
    "certs-signing-signature",
    "signing key certificate",
  );

  if (!tlsCertificate.hasSha256(link.certifiedKey)) {
    throw new ChannelError(
      "certs-link-mismatch",
      "the relay certified another TLS certificate than the one of this link",
    );
  }
  refuseExpired(link, now, "certs-link-expired", "link certificate");
  refuseBadSignature(
    () => verifyEd25519Certificate(link, signing.certifiedKey),
    "certs-link-signature",
    "link certificate",
  );

  const rsaKey = verifyRsaIdCertificate(idBody, now);

  const cross = parsed("cross-certificate", () => parseRsaCrossCertificate(crossBody));
  const ed25519Identity = ed25519IdentityFromBytes(identityKey);
  if (ed25519IdentityFromBytes(cross.ed25519Key) !== ed25519Identity) {
    throw new ChannelError(
      "certs-cross-mismatch",
      "the relay's RSA identity vouches for another Ed25519 identity",
    );
  }
  refuseExpired(cross, now, "certs-cross-expired", "cross-certificate");
  refuseBadSignature(
    () => verifyRsaCrossCertificate(cross, rsaKey),
    "certs-cross-signature",
    "cross-certificate",
  );

  return { rsaIdentity: rsaIdentityOf(rsaKey), ed25519Identity };
}

/** The certificates of known types; each type may come once. */
function collect(certs: readonly CellCertificate[]): ReadonlyMap<number, Uint8Array> {
  const byType = new Map<number, Uint8Array>();
  for (const { type, body } of certs) {
    if (type < 1 || type > LAST_KNOWN) continue;
    if (byType.has(type)) {
      throw new ChannelError("certs-duplicate", `the relay sent two certificates of type ${type}`);
    }
    byType.set(type, body);
  }
  return byType;
}

function required(
  byType: ReadonlyMap<number, Uint8Array>,
  type: number,
  missing: ChannelErrorCode,
): Uint8Array {
  const body = byType.get(type);
  if (body === undefined) {
    throw new ChannelError(missing, `the relay sent no certificate of type ${type}`);
  }
  return body;
}

/** Reads the certificate of a CERTS cell's type, which must be of that type inside as well. */
function ed25519Certificate(
  byType: ReadonlyMap<number, Uint8Array>,
  type: number,
  missing: ChannelErrorCode,
): Ed25519Certificate {
  const body = required(byType, type, missing);
  const certificate = parsed(`certificate of type ${type}`, () => parseEd25519Certificate(body));
  // Relays before 0.4.5 say Ed25519 of the digest in a link certificate too.
  const rightKey = certificate.certKeyType === CertKeyType.Ed25519 ||
    (type === CertType.SigningLink && certificate.certKeyType === CertKeyType.Sha256OfX509);
  if (certificate.certType !== type || !rightKey) {
    throw new ChannelError(
      "certs-wrong-type",
      `the relay's certificate of type ${type} is of type ${certificate.certType} and certifies ` +
        `a key of type ${certificate.certKeyType}`,
    );
  }
  return certificate;
}

/** Checks the RSA identity certificate by itself; returns the RSA identity key. */
function verifyRsaIdCertificate(body: Uint8Array, now: number): RsaPublicKey {
  const certificate = parsed("RSA identity certificate", () => parseX509(body));
  const { publicKey } = certificate;
  if (publicKey.kind !== "rsa" || publicKey.key.bits !== RSA_ID_BITS) {
    throw new ChannelError(
      "certs-id-key",
      `the relay's RSA identity certificate is not for an RSA key of ${RSA_ID_BITS} bits`,
    );
  }
  switch (x509Validity(certificate, now)) {
    case "not-yet-valid":
      throw new ChannelError(
        "certs-id-not-yet-valid",
        `the relay's RSA identity certificate begins on ${day(certificate.notBefore)}`,
      );
    case "expired":
      throw new ChannelError(
        "certs-id-expired",
        `the relay's RSA identity certificate ended on ${day(certificate.notAfter)}`,
      );
  }
  if (!isSelfSigned(certificate)) {
    throw new ChannelError(
      "certs-id-signature",
      "the relay's RSA identity certificate is not signed by its own key",
    );
  }
  return publicKey.key;
}

function refuseExpired(
  certificate: { readonly expires: number },
  now: number,
  code: ChannelErrorCode,
  name: string,
): void {
  if (isExpired(certificate, now)) {
    throw new ChannelError(code, `the relay's ${name} ended on ${day(certificate.expires)}`);
  }
}

function refuseBadSignature(verify: () => void, code: ChannelErrorCode, name: string): void {
  try {
    verify();
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    throw new ChannelError(code, `the relay's ${name} is not signed as it must be`, { cause });
  }
}

function parsed<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    throw new ChannelError("certs-malformed", `the relay's ${name} is malformed`, { cause });
  }
}

/** A time in milliseconds as a date and time of day, for a message. */
function day(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}
