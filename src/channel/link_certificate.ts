/**
 * What the certificate of a TLS link must be by itself.
 *
 * Nobody vouches for it, and its names are random, so that there is little to ask of it. Who the
 * relay is, its CERTS cell must say.
 *
 * But one thing hangs on its form. Under the name that relays are given (see tls.ts), Deno takes
 * the handshake of a certificate that its own library finds badly encoded WITHOUT checking the
 * signature under the certificate's key, and then its owner is not proved at all. So whatever that
 * library might refuse is refused here, although the TLS handshake has let it through.
 *
 * @module
 */
import { DerReader, DerTag } from "../crypto/der.ts";
import { CryptoError } from "../crypto/errors.ts";
import { parseX509, type X509Certificate } from "../crypto/x509.ts";
import { ChannelError } from "./errors.ts";
import { x509Validity } from "./x509_validity.ts";

/** An RSA link key must be longer than this (tor-spec, "Negotiating and initializing connections"). */
const SHORT_RSA_BITS = 1024;

/** The longest certificate that Deno's library reads, in bytes. */
const LONGEST = 0xffff;

/** The extensions whose value that library takes for a sequence: 2.5.29 and one of these. */
const SEQUENCE_EXTENSIONS: ReadonlySet<number> = new Set([17, 19, 30, 31, 37]);

/**
 * Checks the form, the times and the key of the certificate that a relay's TLS handshake was done
 * with. C tor does not look at the times any more where the CERTS cell has an Ed25519 certificate
 * for the link; a relay that does what the specification says passes all the same.
 *
 * @param certificate DER
 * @param now milliseconds since the epoch
 * @throws ChannelError `tls-certificate-malformed`, `tls-certificate-expired`,
 * `tls-certificate-not-yet-valid` or `tls-certificate-key`
 */
export function checkLinkCertificate(certificate: Uint8Array, now: number): void {
  const { notBefore, notAfter, publicKey } = parse(certificate);
  switch (x509Validity({ notBefore, notAfter }, now)) {
    case "expired":
      throw new ChannelError("tls-certificate-expired", "the relay's TLS certificate has ended");
    case "not-yet-valid":
      throw new ChannelError(
        "tls-certificate-not-yet-valid",
        "the relay's TLS certificate has not begun",
      );
  }
  if (publicKey.kind === "rsa" && publicKey.key.bits <= SHORT_RSA_BITS) {
    throw new ChannelError(
      "tls-certificate-key",
      `the relay's TLS key is RSA of only ${publicKey.key.bits} bits`,
    );
  }
}

function parse(bytes: Uint8Array): X509Certificate {
  if (bytes.length > LONGEST) throw malformed(`it has ${bytes.length} bytes`);
  try {
    const certificate = parseX509(bytes);
    if (certificate.version !== 3) throw malformed(`it is of version ${certificate.version}`);
    if (certificate.hasUniqueIdentifiers) throw malformed("it has unique identifiers");
    if (certificate.extensions !== undefined) checkExtensions(certificate.extensions);
    return certificate;
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    if (cause.code !== "rsa-key-refused") throw malformed(cause.message, cause);
    throw new ChannelError("tls-certificate-key", `the relay's TLS key: ${cause.message}`, {
      cause,
    });
  }
}

/** Extensions: SEQUENCE of SEQUENCE of OID, BOOLEAN if critical, and OCTET STRING. */
function checkExtensions(field: Uint8Array): void {
  const outer = new DerReader(field);
  const extensions = outer.enter(DerTag.Sequence);
  outer.finish();
  while (extensions.nextTag !== undefined) {
    const extension = extensions.enter(DerTag.Sequence);
    const id = extension.read(DerTag.ObjectIdentifier);
    if (extension.nextTag === DerTag.Boolean) {
      const isTrue = extension.read(DerTag.Boolean);
      if (isTrue.length !== 1 || isTrue[0] !== 0xff) throw malformed("an extension's flag");
    }
    const value = new DerReader(extension.read(DerTag.OctetString));
    extension.finish();
    if (id.length === 3 && id[0] === 0x55 && id[1] === 0x1d && SEQUENCE_EXTENSIONS.has(id[2])) {
      value.read(DerTag.Sequence);
      value.finish();
    }
  }
}

function malformed(what: string, cause?: unknown): ChannelError {
  return new ChannelError(
    "tls-certificate-malformed",
    `the relay's TLS certificate is refused: ${what}`,
    { cause },
  );
}
