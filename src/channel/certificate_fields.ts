/**
 * The certificate of a TLS link, taken apart, and refused unless every byte of it is encoded as DER
 * demands.
 *
 * One thing hangs on its form. Under the name that relays are given (see tls.ts), Deno takes the
 * handshake of a certificate that its own library finds badly encoded WITHOUT checking the
 * signature under the certificate's key, and then its owner is not proved at all. So whatever that
 * library might refuse is refused here, although the TLS handshake has let it through.
 *
 * @module
 */
import { DerReader, DerTag } from "../crypto/der.ts";
import { CryptoError } from "../crypto/errors.ts";
import { parseX509, type X509Certificate } from "../crypto/x509.ts";
import { ChannelError } from "./errors.ts";

/** The longest certificate that Deno's library reads, in bytes. */
const LONGEST = 0xffff;

/** The extensions whose value that library takes for a sequence: 2.5.29 and one of these. */
const SEQUENCE_EXTENSIONS: ReadonlySet<string> = new Set(
  [17, 19, 30, 31, 37].map((last) => Uint8Array.of(0x55, 0x1d, last).toHex()),
);

/** A certificate's public key. */
export interface CertificateKey {
  /** DER of the SubjectPublicKeyInfo. */
  readonly info: Uint8Array;
  /** The object identifier of its algorithm, in hexadecimal. */
  readonly algorithm: string;
  /** The DER of the algorithm's parameters; empty without any. */
  readonly parameters: Uint8Array;
}

/** A certificate whose encoding is right; nothing else of it is checked yet. */
export interface CertificateFields {
  readonly certificate: X509Certificate;
  /** DER of the names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly key: CertificateKey;
  /** The DER of the parameters of the signature algorithm; empty without any. */
  readonly signatureParameters: Uint8Array;
  /** The value of each extension by its object identifier, in hexadecimal. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a certificate of X.509 version 3.
 *
 * @param bytes DER
 * @throws ChannelError `tls-certificate-malformed`, `tls-certificate-key`
 */
export function readCertificateFields(bytes: Uint8Array): CertificateFields {
  if (bytes.length > LONGEST) throw malformed(`it has ${bytes.length} bytes`);
  return refuseMalformed(() => {
    const certificate = parseX509(bytes);
    if (certificate.version !== 3) throw malformed(`it is of version ${certificate.version}`);
    if (certificate.hasUniqueIdentifiers) throw malformed("it has unique identifiers");
    const fields = new DerReader(certificate.signed).enter(DerTag.Sequence);
    fields.read(DerTag.Context0); // version
    fields.read(DerTag.Integer); // serial number
    const signatureParameters = readAlgorithm(fields).parameters;
    const issuer = fields.readWhole(DerTag.Sequence);
    fields.read(DerTag.Sequence); // validity
    const subject = fields.readWhole(DerTag.Sequence);
    const info = fields.readWhole(DerTag.Sequence);
    const key = { info, ...readAlgorithm(new DerReader(info).enter(DerTag.Sequence)) };
    const extensions = readExtensions(certificate.extensions);
    return { certificate, issuer, subject, key, signatureParameters, extensions };
  });
}

/**
 * Runs a reader of something within a certificate.
 *
 * @throws ChannelError `tls-certificate-malformed`, `tls-certificate-key`
 */
export function refuseMalformed<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    if (cause.code !== "rsa-key-refused") throw malformed(cause.message, cause);
    throw new ChannelError("tls-certificate-key", `the relay's TLS key: ${cause.message}`, {
      cause,
    });
  }
}

/** AlgorithmIdentifier: SEQUENCE of OID and at most one element of parameters. */
function readAlgorithm(reader: DerReader): { algorithm: string; parameters: Uint8Array } {
  const identifier = reader.enter(DerTag.Sequence);
  const algorithm = identifier.read(DerTag.ObjectIdentifier).toHex();
  const tag = identifier.nextTag;
  const parameters = tag === undefined ? new Uint8Array(0) : identifier.readWhole(tag);
  identifier.finish();
  return { algorithm, parameters };
}

/** Extensions: SEQUENCE of SEQUENCE of OID, BOOLEAN if critical, and OCTET STRING; each once. */
function readExtensions(field: Uint8Array | undefined): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (field === undefined) return found;
  const outer = new DerReader(field);
  const extensions = outer.enter(DerTag.Sequence);
  outer.finish();
  while (extensions.nextTag !== undefined) {
    const extension = extensions.enter(DerTag.Sequence);
    const id = extension.read(DerTag.ObjectIdentifier).toHex();
    if (extension.nextTag === DerTag.Boolean) {
      const isTrue = extension.read(DerTag.Boolean);
      if (isTrue.length !== 1 || isTrue[0] !== 0xff) throw malformed("an extension's flag");
    }
    const value = extension.read(DerTag.OctetString);
    extension.finish();
    if (SEQUENCE_EXTENSIONS.has(id)) {
      const reader = new DerReader(value);
      reader.read(DerTag.Sequence);
      reader.finish();
    }
    if (found.has(id)) throw malformed("an extension twice");
    found.set(id, value);
  }
  return found;
}

function malformed(what: string, cause?: unknown): ChannelError {
  return new ChannelError(
    "tls-certificate-malformed",
    `the relay's TLS certificate is refused: ${what}`,
    { cause },
  );
}
