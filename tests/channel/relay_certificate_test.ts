import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { ChannelError, type ChannelErrorCode } from "../../src/channel/errors.ts";
import { verifyRelayCertificate } from "../../src/channel/relay_certificate.ts";
import {
  der,
  ed25519Key,
  rsaKey,
  type SignatureHash,
  x509,
  type X509Parts,
} from "../../testnet/certificates.ts";
import { linkCertificate } from "../../testnet/link_certificate.ts";
import { CAPTURED_AT, TLS_CERTIFICATE } from "./c_tor_certs.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = 1000;
const DAY = 86_400_000;

const rsa2048 = rsaKey(2048);
const rsa1024 = rsaKey(1024);
const p256 = ecKey("P-256");
const span = { notBefore: NOW - DAY, notAfter: NOW + DAY };

function ecKey(namedCurve: string): KeyObject {
  return generateKeyPairSync("ec", { namedCurve }).privateKey;
}

function accepted(parts: Partial<X509Parts>): void {
  verifyRelayCertificate(x509({ key: p256, ...span, ...parts }), NOW);
}

function refused(certificate: Uint8Array | Partial<X509Parts>, code: ChannelErrorCode): void {
  const bytes = certificate instanceof Uint8Array
    ? certificate
    : x509({ key: p256, ...span, ...certificate });
  assert.throws(() => verifyRelayCertificate(bytes, NOW), (error) => {
    assert.ok(error instanceof ChannelError, `${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}

Deno.test("verifyRelayCertificate: C tor's, and its digest", async () => {
  const verified = verifyRelayCertificate(TLS_CERTIFICATE, CAPTURED_AT);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", TLS_CERTIFICATE));
  assert.ok(verified.hasSha256(digest));
  assert.ok(!verified.hasSha256(digest.with(31, digest[31] ^ 1)));
  assert.ok(!verified.hasSha256(digest.subarray(1)));
});

Deno.test("verifyRelayCertificate: as C tor makes them: RSA of 2,048 bits signed by 1,024", () => {
  accepted({ key: rsa2048, signer: rsa1024, issuer: "www.example.com" });
  accepted({ key: p256, signer: rsa1024, issuer: "www.example.com" });
  accepted({ key: rsa2048 });
  accepted({ key: rsa2048, generalizedTime: true });
});

Deno.test("verifyRelayCertificate: 2 days past the end and 30 days before the beginning are forgiven", () => {
  const certificate = (notBefore: number, notAfter: number) =>
    linkCertificate(p256, NOW + notBefore, NOW + notAfter);
  verifyRelayCertificate(certificate(-9 * DAY, -2 * DAY), NOW);
  verifyRelayCertificate(certificate(30 * DAY, 40 * DAY), NOW);
  refused(certificate(-9 * DAY, -2 * DAY - SECOND), "tls-certificate-expired");
  refused(certificate(30 * DAY + SECOND, 40 * DAY), "tls-certificate-not-yet-valid");
});

Deno.test("verifyRelayCertificate: signatures with RSA and ECDSA and a hash that is safe", () => {
  for (const hash of ["sha256", "sha384", "sha512"] as const) {
    accepted({ key: rsa2048, hash });
    accepted({ key: p256, hash });
    accepted({ key: ecKey("P-384"), hash });
  }
  accepted({ key: ecKey("P-521"), hash: "sha512" });
});

Deno.test("verifyRelayCertificate: any other signature algorithm is refused", () => {
  const code = "tls-certificate-algorithm";
  const weak: readonly SignatureHash[] = ["md5", "sha1"];
  // Whoever is named as the issuer.
  for (const issuer of [undefined, "www.example.com"]) {
    for (const hash of weak) refused({ key: rsa2048, hash, issuer }, code);
    refused({ key: p256, hash: "sha1", issuer }, code);
  }
  const identifiers = [
    "06092a864886f70d01010b", // sha256WithRSAEncryption without its NULL
    "06092a864886f70d01010b3000",
    "06082a8648ce3d0403020500", // ecdsa-with-SHA256 with a NULL
    "06092a864886f70d01010a3000", // RSASSA-PSS
    "06032b6570", // Ed25519
    "06082a8648ce3d040301", // ecdsa-with-SHA224
  ];
  for (const algorithm of identifiers) refused({ algorithm: Uint8Array.fromHex(algorithm) }, code);
});

Deno.test("verifyRelayCertificate: keys that are too short, or of another kind", () => {
  const signer = rsa1024;
  const issuer = "www.example.com";
  for (const bits of [768, 1024, 1536, 2047]) {
    refused({ key: rsaKey(bits), signer, issuer }, "tls-certificate-key");
  }
  for (const key of [ecKey("P-224"), ed25519Key(1)]) {
    refused({ key, signer, issuer }, "tls-certificate-key");
  }
});

Deno.test("verifyRelayCertificate: one that names itself as its issuer is signed by its own key", () => {
  refused({ key: rsa2048, signer: rsaKey(2048) }, "tls-certificate-signature");
  refused({ key: p256, signer: ecKey("P-256") }, "tls-certificate-signature");
  // A signature of another kind than the key.
  refused({ key: p256, signer: rsa2048 }, "tls-certificate-signature");
  refused({ key: rsa2048, signer: p256 }, "tls-certificate-signature");
  const certificate = x509({ key: p256, ...span });
  const last = certificate.length - 1;
  refused(certificate.with(last, certificate[last] ^ 1), "tls-certificate-signature");
});

Deno.test("verifyRelayCertificate: key usage, if any, allows signatures", () => {
  const usage = (...bits: number[]) => ({ optionalFields: [keyUsage(Uint8Array.from(bits))] });
  accepted(usage(7, 0x80)); // digitalSignature
  accepted(usage(5, 0xa0)); // and keyEncipherment
  accepted(usage(7, 0x80, 0x80)); // and decipherOnly
  for (const bits of [[2, 0x04], [5, 0x20], [0], [7, 0, 0x80], []]) {
    refused(usage(...bits), "tls-certificate-key-usage");
  }
  for (const value of ["", "0403020780", "030207", "0302078000"]) {
    const optionalFields = [extensions(extension(15, Uint8Array.fromHex(value)))];
    refused({ optionalFields }, "tls-certificate-malformed");
  }
});

Deno.test("verifyRelayCertificate: extended key usage, if any, allows a TLS server", () => {
  const serverAuth = "2b06010505070301";
  const clientAuth = "2b06010505070302";
  const any = "551d2500";
  const usage = (...ids: string[]) => {
    const list = der(0x30, ...ids.map((id) => der(0x06, Uint8Array.fromHex(id))));
    return { optionalFields: [extensions(extension(37, list))] };
  };
  for (const ids of [[serverAuth], [any], [clientAuth, serverAuth]]) accepted(usage(...ids));
  for (const ids of [[], [clientAuth], [`${serverAuth}00`], ["2b060105050703"]]) {
    refused(usage(...ids), "tls-certificate-extended-key-usage");
  }
  const odd = der(0x30, der(0x0c, Uint8Array.fromHex(serverAuth)));
  refused({ optionalFields: [extensions(extension(37, odd))] }, "tls-certificate-malformed");
});

Deno.test("verifyRelayCertificate: what is no certificate", () => {
  const certificate = linkCertificate(p256, NOW - DAY, NOW + DAY);
  refused(new Uint8Array(0), "tls-certificate-malformed");
  refused(certificate.subarray(1), "tls-certificate-malformed");
  refused(certificate.subarray(0, -1), "tls-certificate-malformed");
  const long = extension(19, new Uint8Array(0x10000 - certificate.length));
  refused({ optionalFields: [extensions(long)] }, "tls-certificate-malformed");
});

Deno.test("verifyRelayCertificate: other extensions say nothing", () => {
  accepted({ optionalFields: [extensions()] });
  accepted({ optionalFields: [extensions(extension(19, SEQUENCE), extension(14, SEQUENCE))] });
  accepted({ optionalFields: [extensions(extension(99, Uint8Array.of(1, 2, 3)))] });
});

Deno.test("verifyRelayCertificate: what Deno takes without a check of the signature", () => {
  const id = der(0x06, Uint8Array.of(0x55, 0x1d, 19));
  const value = der(0x04, SEQUENCE);
  const isTrue = der(0x01, Uint8Array.of(0xff));
  accepted({ optionalFields: [extensions(der(0x30, id, isTrue, value))] });
  const badFields = [
    [der(0x81, Uint8Array.of(0, 1))],
    [der(0x82, Uint8Array.of(0, 1))],
    [der(0xa3)],
    [der(0xa3, Uint8Array.of(0x30, 1, 5))],
    [der(0xa3, der(0x30), der(0x30))],
    [extensions(extension(19, SEQUENCE), extension(19, SEQUENCE))],
    ...[
      [der(0x04)],
      [der(0x04, Uint8Array.of(1, 2, 3))],
      [der(0x04, SEQUENCE, SEQUENCE)],
      [der(0x01, Uint8Array.of(7)), value],
      [der(0x01), value],
      [isTrue],
      [value, isTrue],
    ].map((parts) => [extensions(der(0x30, id, ...parts))]),
  ];
  for (const optionalFields of badFields) refused({ optionalFields }, "tls-certificate-malformed");
});

Deno.test("verifyRelayCertificate: a changed byte is found, unless another issuer is named by it", () => {
  const certificate = x509({ key: p256, ...span });
  const name = "301a3118301606035504030c0f" + new TextEncoder().encode("www.example.net").toHex();
  const hex = certificate.toHex();
  const names = [hex.indexOf(name) / 2, hex.lastIndexOf(name) / 2];
  const isInName = (at: number) => names.some((from) => at >= from && at < from + name.length / 2);
  assert.ok(names[0] > 0 && names[0] < names[1]);
  fc.assert(
    fc.property(fc.nat(certificate.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const mutated = certificate.with(at, certificate[at] ^ change);
      try {
        verifyRelayCertificate(mutated, NOW);
      } catch (error) {
        assert.ok(
          error instanceof ChannelError && /^tls-certificate-/.test(error.code),
          `${error}`,
        );
        return;
      }
      assert.ok(isInName(at), mutated.toHex());
    }),
    { seed: 1, numRuns: 1000 },
  );
});

const SEQUENCE = der(0x30);

function extensions(...list: readonly Uint8Array[]): Uint8Array {
  return der(0xa3, der(0x30, ...list));
}

/** The extension 2.5.29.`last`. */
function extension(last: number, value: Uint8Array): Uint8Array {
  return der(0x30, der(0x06, Uint8Array.of(0x55, 0x1d, last)), der(0x04, value));
}

function keyUsage(bits: Uint8Array): Uint8Array {
  return extensions(extension(15, der(0x03, bits)));
}
