/**
 * The little of X.509 that a relay's RSA identity certificate needs.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { DerReader, DerTag } from "./der.ts";
import { CryptoError } from "./errors.ts";
import { parseRsaPublicKey, type RsaPublicKey, rsaVerifyRaw } from "./rsa.ts";

/** The key that a certificate is for. */
export type X509PublicKey =
  | { readonly kind: "rsa"; readonly key: RsaPublicKey }
  /** Anything else; `algorithm` is the DER contents of its object identifier. */
  | { readonly kind: "other"; readonly algorithm: Uint8Array };

/** A certificate that is well formed; nothing of it is checked yet. */
export interface X509Certificate {
  /** 1 to 3. */
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly publicKey: X509PublicKey;
  /** The DER contents of the signature algorithm's object identifier. */
  readonly signatureAlgorithm: Uint8Array;
  /** What the signature covers. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  /** Whether it names its issuer or subject by number, which nobody does. */
  readonly hasUniqueIdentifiers: boolean;
  /** The contents of the extensions' element, not read any further; undefined without one. */
  readonly extensions: Uint8Array | undefined;
}

/** 1.2.840.113549.1.1.1 */
const RSA_ENCRYPTION = "2a864886f70d010101";

/** For each signature algorithm: its hash, and the DER before the hash in what is signed. */
const RSA_SIGNATURES: ReadonlyMap<string, { hash: string; digestInfo: Uint8Array }> = new Map([
  // 1.2.840.113549.1.1.5, sha1WithRSAEncryption
  ["2a864886f70d010105", {
    hash: "sha1",
    digestInfo: Uint8Array.fromHex("3021300906052b0e03021a05000414"),
  }],
  // 1.2.840.113549.1.1.11, sha256WithRSAEncryption
  ["2a864886f70d01010b", {
    hash: "sha256",
    digestInfo: Uint8Array.fromHex("3031300d060960864801650304020105000420"),
  }],
]);

/**
 * Reads a DER certificate that fills all of `bytes` (RFC 5280, section 4.1). Names, serial number
 * and extensions are passed over: Tor gives them no meaning.
 *
 * @throws CryptoError `der-malformed`, `x509-malformed`; `rsa-key-refused` when its RSA key is out
 *   of bounds
 */
export function parseX509(bytes: Uint8Array): X509Certificate {
  const outer = new DerReader(bytes);
  const certificate = outer.enter(DerTag.Sequence);
  outer.finish();
  const signed = certificate.readWhole(DerTag.Sequence);
  const algorithm = certificate.readWhole(DerTag.Sequence);
  const signature = certificate.readBitString();
  certificate.finish();

  const fields = new DerReader(signed).enter(DerTag.Sequence);
  const version = readVersion(fields);
  fields.read(DerTag.Integer); // serial number
  if (fields.readWhole(DerTag.Sequence).toHex() !== algorithm.toHex()) {
    throw malformed("it names two signature algorithms");
  }
  fields.read(DerTag.Sequence); // issuer
  const validity = fields.enter(DerTag.Sequence);
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  validity.finish();
  fields.read(DerTag.Sequence); // subject
  const publicKey = readPublicKey(fields.enter(DerTag.Sequence));
  const optionalFields = readOptionalFields(fields, version);

  return {
    version,
    notBefore,
    notAfter,
    publicKey,
    signatureAlgorithm: new DerReader(algorithm).enter(DerTag.Sequence).read(
      DerTag.ObjectIdentifier,
    ),
    signed,
    signature,
    hasUniqueIdentifiers: optionalFields.has(0x81) || optionalFields.has(0x82),
    extensions: optionalFields.get(EXTENSIONS),
  };
}

/**
 * Whether the certificate is signed by the RSA key that it is for, with SHA-256 or SHA-1.
 *
 * SHA-1 does no harm here: what counts is the key itself, which the signature only shows to be
 * in use.
 */
export function isSelfSigned(certificate: X509Certificate): boolean {
  const { publicKey, signatureAlgorithm, signed, signature } = certificate;
  if (publicKey.kind !== "rsa") return false;
  const method = RSA_SIGNATURES.get(signatureAlgorithm.toHex());
  if (method === undefined) return false;
  const digest = createHash(method.hash).update(signed).digest();
  const message = new Uint8Array(method.digestInfo.length + digest.length);
  message.set(method.digestInfo);
  message.set(digest, method.digestInfo.length);
  return rsaVerifyRaw(publicKey.key, message, signature);
}

function readVersion(fields: DerReader): number {
  if (fields.nextTag !== DerTag.Context0) return 1;
  const explicit = fields.enter(DerTag.Context0);
  const digits = explicit.readUnsigned();
  explicit.finish();
  if (digits.length !== 1 || digits[0] < 1 || digits[0] > 2) {
    throw malformed("its version is not known");
  }
  return digits[0] + 1;
}

function readPublicKey(info: DerReader): X509PublicKey {
  const algorithm = info.enter(DerTag.Sequence);
  const identifier = algorithm.read(DerTag.ObjectIdentifier);
  const bits = info.readBitString();
  info.finish();
  if (identifier.toHex() !== RSA_ENCRYPTION) return { kind: "other", algorithm: identifier };
  if (algorithm.read(DerTag.Null).length !== 0) throw malformed("its RSA key has parameters");
  algorithm.finish();
  return { kind: "rsa", key: parseRsaPublicKey(bits) };
}

const EXTENSIONS = DerTag.Context0 + 3;

/** The unique identifiers [1] and [2] and the extensions [3], each at most once and in order. */
function readOptionalFields(
  fields: DerReader,
  version: number,
): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  // The identifiers are primitive, the extensions constructed.
  for (const [tag, since] of [[0x81, 2], [0x82, 2], [EXTENSIONS, 3]]) {
    if (version >= since && fields.nextTag === tag) found.set(tag, fields.read(tag));
  }
  fields.finish();
  return found;
}

const TIMES: ReadonlyMap<number | undefined, RegExp> = new Map([
  [DerTag.UtcTime, /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/],
  [DerTag.GeneralizedTime, /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/],
]);

/** Reads a UTCTime (years 1950 to 2049) or GeneralizedTime, in milliseconds since the epoch. */
function readTime(reader: DerReader): number {
  const tag = reader.nextTag;
  const form = TIMES.get(tag);
  if (tag === undefined || form === undefined) throw malformed("a time is missing");
  const digits = reader.read(tag);
  const match = digits.length <= 15 ? form.exec(String.fromCharCode(...digits)) : null;
  if (match === null) throw malformed("a time is not in the form that DER demands");
  const [first, month, day, hour, minute, second] = match.slice(1).map(Number);
  const year = tag === DerTag.GeneralizedTime ? first : first + (first < 50 ? 2000 : 1900);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // Date carries a 31st of June over into July; a certificate must not.
  const expected = [year, month - 1, day, hour, minute, second];
  const found = [
    date.getUTCFullYear(),
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ];
  if (found.join() !== expected.join()) throw malformed("a time that does not exist");
  return date.getTime();
}

function malformed(what: string): CryptoError {
  return new CryptoError("x509-malformed", `malformed X.509 certificate: ${what}`);
}
