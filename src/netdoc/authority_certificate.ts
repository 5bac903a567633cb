/**
 * Authority certificates: an authority's long-term identity key certifies the key that signs its
 * votes and the consensus (dir-spec, "Creating key certificates").
 *
 * ```text
 * dir-key-certificate-version 3
 * fingerprint 40 hexadecimal digits
 * dir-key-published YYYY-MM-DD HH:MM:SS
 * dir-key-expires YYYY-MM-DD HH:MM:SS
 * dir-identity-key                   RSA PUBLIC KEY
 * dir-signing-key                    RSA PUBLIC KEY
 * dir-key-crosscert                  ID SIGNATURE: the signing key's, of the identity
 * dir-key-certification              SIGNATURE: the identity key's, of all up to this line's end
 * ```
 *
 * @module
 */
import { createHash } from "node:crypto";
import { parseRsaIdentity, type RsaIdentity, rsaIdentityBytes } from "../crypto/identity.ts";
import {
  parseRsaPublicKey,
  rsaIdentityOf,
  type RsaPublicKey,
  rsaVerifyRaw,
} from "../crypto/rsa.ts";
import { DocumentReader } from "./document.ts";
import { NetdocError } from "./errors.ts";
import { parseTime } from "./field.ts";
import { lastOf } from "./steps.ts";

declare const signingKeyBrand: unique symbol;

/** SHA-1 of an authority's PKCS#1 signing key: 40 upper-case hexadecimal digits (20 bytes). */
export type SigningKeyDigest = string & { readonly [signingKeyBrand]: true };

/** Reads 40 hexadecimal digits of either case; `undefined` when `text` is anything else. */
export function parseSigningKeyDigest(text: string): SigningKeyDigest | undefined {
  return /^[0-9A-Fa-f]{40}$/.test(text) ? text.toUpperCase() as SigningKeyDigest : undefined;
}

/** A certificate whose signatures were found good. Whether it has expired is for the caller. */
export interface AuthorityCertificate {
  /** Of the identity key: the authority's v3 identity. */
  readonly v3Identity: RsaIdentity;
  readonly signingKeyDigest: SigningKeyDigest;
  readonly signingKey: RsaPublicKey;
  /** Milliseconds since 1970, as the next. */
  readonly published: number;
  readonly expires: number;
  /** The certificate's own text: a view of what was parsed. */
  readonly document: Uint8Array;
}

const MAX_CERTIFICATES = 128;
const MAX_KEY_BITS = 4096;

const FIRST = "dir-key-certificate-version";
const LAST = "dir-key-certification";

const RSA_KEY: readonly string[] = ["RSA PUBLIC KEY"];

/** The items that a certificate has exactly once, and what the object of each may be called. */
const ITEMS: ReadonlyMap<string, readonly string[]> = new Map([
  [FIRST, []],
  ["fingerprint", []],
  ["dir-key-published", []],
  ["dir-key-expires", []],
  ["dir-identity-key", RSA_KEY],
  ["dir-signing-key", RSA_KEY],
  ["dir-key-crosscert", ["ID SIGNATURE", "SIGNATURE"]],
  [LAST, ["SIGNATURE"]],
]);

interface Item {
  readonly rest: string;
  readonly object: Uint8Array<ArrayBuffer>;
}

/**
 * Parses certificates that stand one after another (at most 128), and checks of each that its
 * fingerprint is its identity key's, that this key signed it and that the signing key signed the
 * identity.
 *
 * @throws NetdocError certificate-malformed, certificate-not-verified, or what the document reader
 * throws; also when only one of them is bad
 */
export function parseAuthorityCertificates(documents: Uint8Array): AuthorityCertificate[] {
  return lastOf(certificateSteps(documents));
}

/**
 * Parses as {@link parseAuthorityCertificates} does, one in each step: each costs two checks of
 * signatures. Nothing may write to the documents before the last.
 *
 * @throws as parseAuthorityCertificates, from any step
 */
export function* certificateSteps(
  documents: Uint8Array,
): Generator<void, AuthorityCertificate[]> {
  const reader = new DocumentReader(documents);
  const certificates: AuthorityCertificate[] = [];
  while (reader.next()) {
    if (certificates.length === MAX_CERTIFICATES) malformed("there are too many certificates");
    certificates.push(parseOne(documents, reader));
    yield;
  }
  return certificates;
}

/** Reads from the reader's item, which must be the first of a certificate, to the last. */
function parseOne(documents: Uint8Array, reader: DocumentReader): AuthorityCertificate {
  const start = reader.start;
  if (reader.keyword() !== FIRST) malformed(`a certificate does not begin with ${FIRST}`);
  const items = new Map<string, Item>();
  for (;;) {
    const keyword = reader.keyword();
    const objectTypes = ITEMS.get(keyword);
    if (objectTypes !== undefined) {
      if (items.has(keyword)) malformed(`a certificate has two ${keyword} lines`);
      items.set(keyword, readItem(reader, objectTypes));
    }
    if (keyword === LAST) break;
    if (!reader.next()) malformed(`a certificate has no ${LAST}`);
  }
  const item = (keyword: string) =>
    items.get(keyword) ?? malformed(`a certificate has no ${keyword}`);
  if (item(FIRST).rest !== "3") malformed("a certificate is not of version 3");

  const published = readTime(item("dir-key-published").rest);
  const expires = readTime(item("dir-key-expires").rest);
  const signed = sha1(documents.subarray(start, reader.lineEnd));
  const identityKey = readKey(item("dir-identity-key").object);
  const signingKey = readKey(item("dir-signing-key").object);
  const v3Identity = rsaIdentityOf(identityKey);
  if (parseRsaIdentity(item("fingerprint").rest) !== v3Identity) {
    notVerified("the fingerprint of a certificate is not its identity key's");
  }
  if (!rsaVerifyRaw(identityKey, signed, item(LAST).object)) {
    notVerified("a certificate is not signed by its identity key");
  }
  const crosscert = item("dir-key-crosscert").object;
  if (!rsaVerifyRaw(signingKey, rsaIdentityBytes(v3Identity), crosscert)) {
    notVerified("the signing key of a certificate did not sign the identity");
  }
  return {
    v3Identity,
    signingKeyDigest: sha1(signingKey.der).toHex().toUpperCase() as SigningKeyDigest,
    signingKey,
    published,
    expires,
    document: documents.subarray(start, reader.end),
  };
}

const NO_OBJECT = new Uint8Array(0);

function readItem(reader: DocumentReader, objectTypes: readonly string[]): Item {
  const object = reader.object();
  if (object === undefined ? objectTypes.length > 0 : !objectTypes.includes(object.type)) {
    malformed(`the ${reader.keyword()} of a certificate has not the object it should`);
  }
  return { rest: reader.rest(), object: object?.bytes ?? NO_OBJECT };
}

function readKey(der: Uint8Array): RsaPublicKey {
  let key;
  try {
    key = parseRsaPublicKey(der);
  } catch (cause) {
    throw new NetdocError("certificate-malformed", "a key cannot be read", { cause });
  }
  // Longer keys would let a mirror buy much of our time with few bytes.
  if (key.bits > MAX_KEY_BITS) malformed("a key is too long");
  return key;
}

function readTime(text: string): number {
  return parseTime(text) ?? malformed("a certificate has a time that cannot be read");
}

function sha1(bytes: Uint8Array): Uint8Array {
  return createHash("sha1").update(bytes).digest();
}

function malformed(what: string): never {
  throw new NetdocError("certificate-malformed", what);
}

function notVerified(what: string): never {
  throw new NetdocError("certificate-not-verified", what);
}
