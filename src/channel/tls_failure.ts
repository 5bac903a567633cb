/**
 * What a failed TLS handshake failed for, as far as Deno's error says it.
 *
 * Deno gives its TLS library's words and no code. The Deno version is pinned, and a message that is
 * not known makes an error that is merely less exact.
 *
 * @module
 */
import { ChannelError, type ChannelErrorCode } from "./errors.ts";

/** Parts of the messages. Those with "fatal alert" are the server's own words. */
const CODES: readonly (readonly [part: string, code: ChannelErrorCode])[] = [
  // Whoever is there does not own the key of the certificate that was shown.
  ["invalid peer certificate: BadSignature", "tls-signature"],
  // The certificate is one that no handshake is taken under, whoever has signed it.
  ["invalid peer certificate:", "tls-certificate-refused"],
  ["ServerDoesNotSupportTls12Or13", "tls-version"],
  ["SelectedUnofferedVersion", "tls-version"],
  ["fatal alert: ProtocolVersion", "tls-version"],
  ["SelectedUnofferedCipherSuite", "tls-cipher-suite"],
  ["fatal alert: HandshakeFailure", "tls-cipher-suite"],
];

/** The ChannelError for what `conn.handshake()` has thrown. */
export function tlsFailure(cause: unknown): ChannelError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const known = cause instanceof Deno.errors.InvalidData
    ? CODES.find(([part]) => why.includes(part))
    : undefined;
  const code = known?.[1] ?? "tls-handshake-failed";
  return new ChannelError(code, `the TLS handshake failed: ${why}`, { cause });
}
