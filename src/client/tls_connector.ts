/**
 * TLS with web servers, over a stream.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import {
  connect,
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import ipaddr from "ipaddr.js";
import { RELAY_NAME } from "../channel/tls.ts";
import { ClientError } from "./errors.ts";

/** Codes of errors that are about a certificate. */
const ABOUT_CERTIFICATES = /CERT|SIGNATURE|ISSUER/;

/** Who the certificates of servers may be signed by: Mozilla's authorities and some of one's own. */
export class TlsConnector {
  readonly #caCerts: readonly string[];
  #context: SecureContext | undefined;

  /** @param caCerts PEM */
  constructor(caCerts: readonly string[]) {
    this.#caCerts = caCerts;
  }

  /**
   * To be asked before a server is connected to.
   *
   * @throws ClientError `fetch-host-refused` for the name for which this process checks nothing
   */
  check(host: string): void {
    if (host !== RELAY_NAME) return;
    throw new ClientError(
      "fetch-host-refused",
      `no certificate of ${RELAY_NAME} would be checked`,
    );
  }

  /**
   * Resolves when the server has proved to be `host`, a name or an IP address.
   *
   * @throws ClientError `fetch-certificate-refused` when it has not; what the stream throws
   */
  async secure(stream: Duplex, host: string): Promise<TLSSocket> {
    this.#context ??= createSecureContext(this.#authorities());
    const socket = connect({
      socket: stream,
      secureContext: this.#context,
      host,
      // An address is never told to the server.
      servername: ipaddr.isValid(host) ? "" : host,
      ALPNProtocols: ["http/1.1"],
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("secureConnect", resolve).once("error", reject);
    socket.once("close", () => reject(new Error("the server has ended the connection")));
    try {
      await promise;
      if (!socket.authorized) throw refused("unauthorized", undefined);
      return socket;
    } catch (error) {
      socket.destroy();
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      throw ABOUT_CERTIFICATES.test(code) ? refused(code, error) : error;
    }
  }

  /** Deno's own, unless there are more: to name Mozilla's beside them takes --allow-sys. */
  #authorities(): { readonly ca?: string[] } {
    return this.#caCerts.length === 0 ? {} : { ca: [...rootCertificates, ...this.#caCerts] };
  }
}

function refused(code: string, cause: unknown): ClientError {
  return new ClientError(
    "fetch-certificate-refused",
    `the server's certificate was refused: ${code}`,
    { cause },
  );
}
