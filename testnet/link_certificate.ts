/**
 * The certificate of a relay's TLS link: an ECDSA key on P-256, self-signed, as C tor's is in kind.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { der, derTime } from "./certificates.ts";

const ECDSA_WITH_SHA256 = Uint8Array.fromHex("2a8648ce3d040302");
const HOUR = 3_600_000;

/** A certificate and its private key, as a TLS server takes them. */
export interface LinkIdentity {
  /** DER. */
  readonly certificate: Uint8Array;
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

/** Makes a new key and its certificate, valid from a day before `now` to a month after. */
export function makeLinkIdentity(now: number): LinkIdentity {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certificate = linkCertificate(privateKey, now - 24 * HOUR, now + 30 * 24 * HOUR);
  return linkIdentity(certificate, privateKey);
}

/** Puts a certificate and a private key into the form that a TLS server takes. */
export function linkIdentity(certificate: Uint8Array, privateKey: KeyObject): LinkIdentity {
  const lines = certificate.toBase64().match(/.{1,64}/g) ?? [];
  return {
    certificate,
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

/** A self-signed version 3 certificate for a P-256 key; times in ms since 1970. */
export function linkCertificate(key: KeyObject, notBefore: number, notAfter: number): Uint8Array {
  const algorithm = der(0x30, der(0x06, ECDSA_WITH_SHA256));
  const commonName = der(0x06, Uint8Array.of(0x55, 4, 3));
  const name = der(
    0x30,
    der(0x31, der(0x30, commonName, der(0x0c, Buffer.from("www.example.net")))),
  );
  const signed = der(
    0x30,
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Uint8Array.of(0x12, 0x34)),
    algorithm,
    name,
    der(0x30, derTime(notBefore), derTime(notAfter)),
    name,
    createPublicKey(key).export({ format: "der", type: "spki" }),
  );
  return der(0x30, signed, algorithm, der(0x03, Uint8Array.of(0), sign("sha256", signed, key)));
}
