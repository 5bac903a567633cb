/**
 * Certificates of web servers, and of an authority that signs them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { der, x509 } from "../../testnet/certificates.ts";

const DAY = 86_400_000;

/** A key with its certificate, both as PEM. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
}

/** Signs certificates of servers. */
export class TestCa {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  readonly #key = newKey();

  constructor() {
    // basicConstraints: an authority.
    const isAuthority = extension("551d13", der(0x30, der(0x01, Uint8Array.of(0xff))));
    this.cert = certificate(this.#key, this.#key, isAuthority);
  }

  /**
   * A certificate for a host name or an IPv4 address, good from yesterday to tomorrow.
   *
   * @param moved how much later all of that is, in ms
   */
  issue(host: string, moved = 0): ServerCertificate {
    const key = newKey();
    return { key: pem(key), cert: certificate(key, this.#key, alternativeName(host), moved) };
  }
}

/** A certificate for a host name or an IPv4 address that nobody else has signed. */
export function selfSigned(host: string): ServerCertificate {
  const key = newKey();
  return { key: pem(key), cert: certificate(key, key, alternativeName(host)) };
}

function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function certificate(
  key: KeyObject,
  signer: KeyObject,
  extended: Uint8Array,
  moved = 0,
): string {
  const now = Date.now() + moved;
  const bytes = x509({
    key,
    signer,
    notBefore: now - DAY,
    notAfter: now + DAY,
    optionalFields: [der(0xa3, der(0x30, extended))],
  });
  return `-----BEGIN CERTIFICATE-----\n${bytes.toBase64()}\n-----END CERTIFICATE-----\n`;
}

function alternativeName(host: string): Uint8Array {
  const isAddress = /^[0-9.]+$/.test(host);
  const name = isAddress
    ? der(0x87, Uint8Array.from(host.split("."), Number))
    : der(0x82, Buffer.from(host));
  return extension("551d11", der(0x30, name));
}

function extension(oid: string, value: Uint8Array): Uint8Array {
  return der(0x30, der(0x06, Uint8Array.fromHex(oid)), der(0x04, value));
}
