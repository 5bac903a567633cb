/**
 * TLS to a relay, and the proof that it is done safely.
 *
 * A relay's link certificate is signed by nobody that a trust store knows: its identity is proved
 * by the CERTS cell, which names the digest of the TLS certificate. That only means something if
 * the TLS handshake proved that the peer owns the certificate's key. Deno checks this when the
 * certificate chain is ignored for a listed name, and does NOT when it is ignored for all names.
 * So the program is started with `--unsafely-ignore-certificate-errors=192.0.2.1` (a reserved
 * address that nobody has), every relay is given that name, and {@link checkTlsLaunch} refuses any
 * other start.
 *
 * @module
 */
import { ChannelError } from "./errors.ts";
import { tlsFailure } from "./tls_failure.ts";

/** The name under which relays' certificates are accepted without a chain (TEST-NET-1). */
export const RELAY_NAME = "192.0.2.1";
/** A name that must be refused, or else the flag was given without its list. */
const OTHER_NAME = "192.0.2.2";
/** The launch flag that is needed. */
export const TLS_LAUNCH_FLAG = `--unsafely-ignore-certificate-errors=${RELAY_NAME}`;

/** A TLS connection to a relay whose handshake is done. */
export interface RelayTls {
  readonly conn: Deno.TlsConn;
  /** The peer's certificate in DER; the handshake has proved that the peer owns its key. */
  readonly certificate: Uint8Array;
}

/**
 * Does the TLS handshake with a relay. The connection is closed when it fails. No server name is
 * sent, because the name is an IP address; sessions are never resumed.
 *
 * Deno's TLS library speaks TLS 1.2 and 1.3 alone, and of 1.2 only suites with ephemeral keys and
 * AEAD ciphers.
 *
 * @throws ChannelError `tls-handshake-failed`, `tls-version`, `tls-cipher-suite`, `tls-signature`,
 * `tls-certificate-refused`, `tls-certificate-malformed`, or the signal's reason
 */
export async function startRelayTls(tcp: Deno.TcpConn, signal?: AbortSignal): Promise<RelayTls> {
  let conn: Deno.TlsConn | undefined;
  const abort = () => closeQuietly(conn ?? tcp);
  try {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", abort, { once: true });
    conn = await Deno.startTls(tcp, { hostname: RELAY_NAME });
    signal?.throwIfAborted();
    await conn.handshake();
    signal?.throwIfAborted();
    const certificate = peerCertificate(conn);
    if (certificate === undefined) {
      // That this Deno can read one was shown at the start.
      throw new ChannelError(
        "tls-certificate-malformed",
        "the relay's TLS certificate cannot be read",
      );
    }
    return { conn, certificate };
  } catch (cause) {
    closeQuietly(conn ?? tcp);
    if (signal?.aborted) throw signal.reason;
    if (cause instanceof ChannelError) throw cause;
    throw tlsFailure(cause);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Closes a connection that may be closed already. */
export function closeQuietly(conn: { close(): void }): void {
  try {
    conn.close();
  } catch {
    // Already closed: that is what was wanted.
  }
}

/**
 * Reads the peer's certificate by a symbol that Deno keeps to itself (its node:tls is built on
 * it). All that depends on it is here, and the Deno version is pinned.
 *
 * @returns undefined when Deno cannot make sense of the certificate, or has no such symbol
 */
function peerCertificate(conn: Deno.TlsConn): Uint8Array | undefined {
  const symbol = Object.getOwnPropertySymbols(Object.getPrototypeOf(conn))
    .find((candidate) => candidate.description === "getPeerCertificate");
  const read: unknown = symbol === undefined ? undefined : Reflect.get(conn, symbol);
  if (typeof read === "function") {
    const found: unknown = Reflect.apply(read, conn, [true]);
    if (typeof found === "object" && found !== null && "raw" in found) {
      if (found.raw instanceof Uint8Array) return found.raw;
    }
  }
  return undefined;
}

/**
 * Proves, on a loopback connection, that this process checks relays' TLS as it must: under the
 * relay name a certificate without a chain is accepted and can be read; under any other name it is
 * refused. To be called before the network is touched.
 *
 * @throws ChannelError `tls-flag-missing` when the launch flag is absent, `tls-flag-unscoped` when
 * it was given without its list, `tls-certificate-unreadable` on an unsuitable Deno
 */
export async function checkTlsLaunch(): Promise<void> {
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: PROBE_CERTIFICATE,
    key: PROBE_KEY,
  });
  const served = (async () => {
    for (let connection = 0; connection < 2; connection++) {
      try {
        using conn = await listener.accept();
        await conn.handshake();
        // Until the client has closed, so that it sees the outcome of its own handshake.
        await conn.read(new Uint8Array(1));
      } catch {
        // A client that refuses the certificate ends the handshake: one of the two does.
        // The listener may also have been closed.
      }
    }
  })();
  const dial = async (hostname: string) => {
    const { port } = listener.addr;
    using conn = await Deno.startTls(await Deno.connect({ hostname: "127.0.0.1", port }), {
      hostname,
    });
    await conn.handshake();
    if (peerCertificate(conn) === undefined) {
      throw new ChannelError(
        "tls-certificate-unreadable",
        "this version of Deno does not let a TLS peer's certificate be read",
      );
    }
  };
  const accepts = (hostname: string) => dial(hostname).then(() => true, rethrowUnreadable);
  const relayName = await accepts(RELAY_NAME);
  const otherName = await accepts(OTHER_NAME);
  // A connection that never arrived must not be waited for.
  listener.close();
  await served;
  if (!relayName) {
    throw new ChannelError(
      "tls-flag-missing",
      `Deno must be started with ${TLS_LAUNCH_FLAG}: relays' certificates have no chain`,
    );
  }
  if (otherName) {
    throw new ChannelError(
      "tls-flag-unscoped",
      "Deno was started with --unsafely-ignore-certificate-errors without a list: " +
        "an impostor could take a relay's place",
    );
  }
}

function rethrowUnreadable(error: unknown): false {
  if (error instanceof ChannelError) throw error;
  return false;
}

// A certificate and a key that protect nothing: they exist only for the start-up check.
const PROBE_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBrDCCAVGgAwIBAgIUBUi5Giv+7BI+Nm+Jo9WNvqIPX5AwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwUY2hpdmUgc3RhcnQtdXAgY2hlY2swIBcNMjYxMTIzMTkyMDA4
WhgPMjEyNjEwMzAxOTIwMDhaMB8xHTAbBgNVBAMMFGNoaXZlIHN0YXJ0LXVwIGNo
ZWNrMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUvtQSE/6WI+5qDb9d1qNVqG0
sFwMSPpg6hAj3OTnkB0XB+1iFOxpB1IZed7q8iWK1y3aqIg/Ab7WOCgQ6sizeqNp
MGcwHQYDVR0OBBYEFPaUJqvoqVVBGW1fRWDQK7t62MzyMB8GA1UdIwQYMBaAFPaU
JqvoqVVBGW1fRWDQK7t62MzyMA8GA1UdEwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJ
bG9jYWxob3N0MAoGCCqGSM49BAMCA0kAMEYCIQCbCrDZLD+jsMRi7TUoDtFbXMkc
kV1VkJrN/GTwpIFPvAIhANIHSt5N2KmsYYLJN4HysJlUJvzkWX4WjQmIFirkkcxm
-----END CERTIFICATE-----
`;
const PROBE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0Nf1omouGsCUNFMU
H+1FhoxPIjMPcWe/pFD7R7KbC5+hRANCAARS+1BIT/pYj7moNv13Wo1WobSwXAxI
+mDqECPc5OeQHRcH7WIU7GkHUhl53uryJYrXLdqoiD8BvtY4KBDqyLN6
-----END PRIVATE KEY-----
`;
