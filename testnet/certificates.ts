/**
 * Builds the certificates of a relay's CERTS cell, whole or with one thing wrong, for tests and
 * for relays that run inside a test.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  sign,
} from "node:crypto";

const HOUR = 3_600_000;

/** One DER element. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents);
  const length = body.length < 0x80
    ? [body.length]
    : body.length < 0x100
    ? [0x81, body.length]
    : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...length), body]);
}

/** A DER time of X.509: GeneralizedTime if asked for, else UTCTime. */
export function derTime(milliseconds: number, generalized = false): Uint8Array {
  const digits = new Date(milliseconds).toISOString().replace(/\.\d+|[-:T]/g, "");
  return generalized ? der(0x18, Buffer.from(digits)) : der(0x17, Buffer.from(digits.slice(2)));
}

/** A hash that a certificate is signed with. */
export type SignatureHash = "md5" | "sha1" | "sha256" | "sha384" | "sha512";

/** AlgorithmIdentifiers of signatures, in hexadecimal, by the kind of the signer's key. */
const SIGNATURE_ALGORITHMS: Readonly<Record<"rsa" | "ec", Record<SignatureHash, string>>> = {
  rsa: {
    md5: "06092a864886f70d0101040500",
    sha1: "06092a864886f70d0101050500",
    sha256: "06092a864886f70d01010b0500",
    sha384: "06092a864886f70d01010c0500",
    sha512: "06092a864886f70d01010d0500",
  },
  ec: {
    md5: "", // there is none
    sha1: "06072a8648ce3d0401",
    sha256: "06082a8648ce3d040302",
    sha384: "06082a8648ce3d040303",
    sha512: "06082a8648ce3d040304",
  },
};

/** A new RSA key. */
export function rsaKey(bits = 1024): KeyObject {
  return generateKeyPairSync("rsa", { modulusLength: bits }).privateKey;
}

/** An Ed25519 key, from a seed of 32 bytes, or of 32 equal ones. */
export function ed25519Key(seed: Uint8Array | number): KeyObject {
  return createPrivateKey({
    key: Buffer.concat([
      Uint8Array.fromHex("302e020100300506032b657004220420"),
      typeof seed === "number" ? new Uint8Array(32).fill(seed) : seed,
    ]),
    format: "der",
    type: "pkcs8",
  });
}

/** The 32 bytes of an Ed25519 key's public half. */
export function ed25519Public(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12));
}

/** The PKCS#1 form of an RSA key's public half. */
export function rsaPublicDer(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "pkcs1" }));
}

/** Signs a bare digest with PKCS#1 v1.5 padding, as Tor does. */
export function rsaSignRaw(key: KeyObject, digest: Uint8Array): Uint8Array {
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digest);
}

/** What an X.509 certificate is made from. */
export interface X509Parts {
  /** The key it is for. */
  readonly key: KeyObject;
  /** The key it is signed with; its own unless said. */
  readonly signer?: KeyObject;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly sha1?: boolean;
  /** SHA-256, or SHA-1 if `sha1` is set, unless said. */
  readonly hash?: SignatureHash;
  /** The contents of the AlgorithmIdentifier; those of the signer's key and the hash unless said. */
  readonly algorithm?: Uint8Array;
  /** The common name of who has signed it; its own unless said. */
  readonly issuer?: string;
  readonly generalizedTime?: boolean;
  /** DER elements after the public key. */
  readonly optionalFields?: readonly Uint8Array[];
}

/** A version 3 certificate with made-up names and no extensions unless said. */
export function x509(parts: X509Parts): Uint8Array {
  const { key, signer = key, notBefore, notAfter, generalizedTime } = parts;
  const { hash = parts.sha1 ? "sha1" : "sha256", issuer = SUBJECT, optionalFields = [] } = parts;
  const kind = signer.asymmetricKeyType === "rsa" ? "rsa" : "ec";
  const algorithm = der(
    0x30,
    parts.algorithm ?? Uint8Array.fromHex(SIGNATURE_ALGORITHMS[kind][hash]),
  );
  const signed = der(
    0x30,
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Uint8Array.of(0x12, 0x34)),
    algorithm,
    commonName(issuer),
    der(0x30, derTime(notBefore, generalizedTime), derTime(notAfter, generalizedTime)),
    commonName(SUBJECT),
    createPublicKey(key).export({ format: "der", type: "spki" }),
    ...optionalFields,
  );
  return der(0x30, signed, algorithm, der(0x03, Uint8Array.of(0), sign(hash, signed, signer)));
}

const SUBJECT = "www.example.net";

function commonName(name: string): Uint8Array {
  const attribute = der(0x06, Uint8Array.of(0x55, 4, 3));
  return der(0x30, der(0x31, der(0x30, attribute, der(0x0c, Buffer.from(name)))));
}

/** What an Ed25519 certificate is made from. */
export interface Ed25519CertificateParts {
  readonly certType: number;
  readonly certKeyType?: number;
  readonly certifiedKey: Uint8Array;
  /** Milliseconds since the epoch; rounded up to a whole hour. */
  readonly expires: number;
  readonly signer: KeyObject;
  /** Name the signer in an extension; by its own key, or by the one that is given. */
  readonly signingKey?: Uint8Array | "signer";
  /** Further extensions, each whole. */
  readonly extensions?: readonly Uint8Array[];
}

/** A certificate of cert-spec, signed. */
export function ed25519Certificate(parts: Ed25519CertificateParts): Uint8Array {
  const { certType, certKeyType = 1, certifiedKey, expires, signer } = parts;
  const extensions = [...parts.extensions ?? []];
  if (parts.signingKey !== undefined) {
    const key = parts.signingKey === "signer" ? ed25519Public(signer) : parts.signingKey;
    extensions.unshift(Buffer.concat([Uint8Array.of(0, 32, 4, 0), key]));
  }
  const signed = Buffer.concat([
    Uint8Array.of(1, certType),
    uint32(Math.ceil(expires / HOUR)),
    Uint8Array.of(certKeyType),
    certifiedKey,
    Uint8Array.of(extensions.length),
    ...extensions,
  ]);
  return Buffer.concat([signed, sign(null, signed, signer)]);
}

/** The cross-certificate of an Ed25519 identity by an RSA identity. */
export function rsaCrossCertificate(
  parts: { readonly ed25519: Uint8Array; readonly expires: number; readonly signer: KeyObject },
): Uint8Array {
  const signed = Buffer.concat([parts.ed25519, uint32(Math.ceil(parts.expires / HOUR))]);
  const digest = createHash("sha256").update("Tor TLS RSA/Ed25519 cross-certificate").update(signed)
    .digest();
  const signature = rsaSignRaw(parts.signer, digest);
  return Buffer.concat([signed, Uint8Array.of(signature.length), signature]);
}

/** The keys of a relay. */
export interface RelayKeys {
  /** 1,024 bits. */
  readonly rsaIdentity: KeyObject;
  readonly ed25519Identity: KeyObject;
  readonly signing: KeyObject;
}

/** The parts of the four certificates, each of which may be replaced before they are signed. */
export interface RelayCertsParts {
  readonly id: X509Parts;
  readonly signing: Ed25519CertificateParts;
  readonly link: Ed25519CertificateParts;
  readonly cross: {
    readonly ed25519: Uint8Array;
    readonly expires: number;
    readonly signer: KeyObject;
  };
}

/** What a relay's certificates hold when nothing is wrong with them. */
export function relayCertsParts(
  keys: RelayKeys,
  tlsCertificate: Uint8Array,
  now: number,
): RelayCertsParts {
  const expires = now + 30 * 24 * HOUR;
  return {
    id: { key: keys.rsaIdentity, notBefore: now - 24 * HOUR, notAfter: expires },
    signing: {
      certType: 4,
      certifiedKey: ed25519Public(keys.signing),
      expires,
      signer: keys.ed25519Identity,
      signingKey: "signer",
    },
    link: {
      certType: 5,
      certKeyType: 3,
      certifiedKey: createHash("sha256").update(tlsCertificate).digest(),
      expires,
      signer: keys.signing,
    },
    cross: {
      ed25519: ed25519Public(keys.ed25519Identity),
      expires,
      signer: keys.rsaIdentity,
    },
  };
}

/** The certificates of a CERTS cell, in C tor's order. */
export function relayCerts(parts: RelayCertsParts): { type: number; body: Uint8Array }[] {
  return [
    { type: 2, body: x509(parts.id) },
    { type: 4, body: ed25519Certificate(parts.signing) },
    { type: 5, body: ed25519Certificate(parts.link) },
    { type: 7, body: rsaCrossCertificate(parts.cross) },
  ];
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
