import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { ChannelError, type ChannelErrorCode } from "../../src/channel/errors.ts";
import { checkLinkCertificate } from "../../src/channel/link_certificate.ts";
import { CAPTURED_AT, TLS_CERTIFICATE } from "./c_tor_certs.ts";
import { linkCertificate } from "../../testnet/link_certificate.ts";
import { der, rsaKey, x509 } from "../../testnet/certificates.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = 1000;
const DAY = 86_400_000;

const rsa2048 = rsaKey(2048);
const rsa1024 = rsaKey(1024);
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

function refused(certificate: Uint8Array, code: ChannelErrorCode): void {
  assert.throws(() => checkLinkCertificate(certificate, NOW), (error) => {
    assert.ok(error instanceof ChannelError, `${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}

function rsaCertificate(key: KeyObject, notBefore = NOW - DAY, notAfter = NOW + DAY): Uint8Array {
  return x509({ key, notBefore, notAfter });
}

Deno.test("checkLinkCertificate: an ECDSA key, and an RSA key as C tor's", () => {
  checkLinkCertificate(linkCertificate(p256, NOW - DAY, NOW + DAY), NOW);
  checkLinkCertificate(rsaCertificate(rsa2048), NOW);
});

Deno.test("checkLinkCertificate: 2 days past the end and 30 days before the beginning are forgiven", () => {
  checkLinkCertificate(linkCertificate(p256, NOW - 9 * DAY, NOW - 2 * DAY), NOW);
  checkLinkCertificate(linkCertificate(p256, NOW + 30 * DAY, NOW + 40 * DAY), NOW);
  refused(
    linkCertificate(p256, NOW - 9 * DAY, NOW - 2 * DAY - SECOND),
    "tls-certificate-expired",
  );
  refused(
    linkCertificate(p256, NOW + 30 * DAY + SECOND, NOW + 40 * DAY),
    "tls-certificate-not-yet-valid",
  );
});

Deno.test("checkLinkCertificate: RSA keys of 1,024 bits and less are refused", () => {
  refused(rsaCertificate(rsa1024), "tls-certificate-key");
  refused(rsaCertificate(rsaKey(768)), "tls-certificate-key");
});

Deno.test("checkLinkCertificate: what is no certificate", () => {
  const certificate = linkCertificate(p256, NOW - DAY, NOW + DAY);
  refused(new Uint8Array(0), "tls-certificate-malformed");
  refused(certificate.subarray(1), "tls-certificate-malformed");
  refused(certificate.subarray(0, -1), "tls-certificate-malformed");
  const long = new Uint8Array(0x10000 - certificate.length);
  refused(rsaWith(der(0xa3, der(0x30, extension(der(0x04, long))))), "tls-certificate-malformed");
});

Deno.test("checkLinkCertificate: C tor's, and one with extensions in order", () => {
  checkLinkCertificate(TLS_CERTIFICATE, CAPTURED_AT);
  const { TRUE, VALUE } = EXTENSION_PARTS;
  for (const extensions of [[], [extension(VALUE)], [extension(TRUE, VALUE), extension(VALUE)]]) {
    checkLinkCertificate(rsaWith(der(0xa3, der(0x30, ...extensions))), NOW);
  }
});

Deno.test("checkLinkCertificate: what Deno takes without a check of the signature", () => {
  const { TRUE, VALUE } = EXTENSION_PARTS;
  const empty = der(0x04);
  const badFields = [
    [der(0x81, Uint8Array.of(0, 1))],
    [der(0x82, Uint8Array.of(0, 1))],
    [der(0xa3)],
    [der(0xa3, Uint8Array.of(0x30, 1, 5))],
    [der(0xa3, der(0x30), der(0x30))],
    ...[
      [empty],
      [der(0x04, Uint8Array.of(1, 2, 3))],
      [der(0x04, der(0x30), der(0x30))],
      [der(0x01, Uint8Array.of(7)), VALUE],
      [der(0x01), VALUE],
      [TRUE],
      [VALUE, TRUE],
    ].map((parts) => [der(0xa3, der(0x30, extension(...parts)))]),
  ];
  for (const fields of badFields) refused(rsaWith(...fields), "tls-certificate-malformed");
});

/** Parts of the extension that says what a certificate may sign. */
const EXTENSION_PARTS = { TRUE: der(0x01, Uint8Array.of(0xff)), VALUE: der(0x04, der(0x30)) };

function extension(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, der(0x06, Uint8Array.of(0x55, 0x1d, 19)), ...parts);
}

function rsaWith(...optionalFields: readonly Uint8Array[]): Uint8Array {
  return x509({ key: rsa2048, notBefore: NOW - DAY, notAfter: NOW + DAY, optionalFields });
}
