import assert from "node:assert/strict";
import fc from "fast-check";
import {
  CertType,
  isExpired,
  parseEd25519Certificate,
  verifyEd25519Certificate,
} from "../../src/crypto/ed25519_certificate.ts";
import { CryptoError } from "../../src/crypto/errors.ts";

// Two certificates of a router descriptor in C tor's tests: the signing key by the identity key,
// and the identity key by the ntor onion key.
const SIGNING = Uint8Array.fromBase64(
  "AQQABstQAbeja00FtmqpWPIF6GPZtoI0uBiRk7InZ3EV/8U/e1KRAQAgBADZeEW7LYPn7S5mD4DnQpTVdns8xJtRboTt" +
    "fqTs6nTpOwWV8+WI94ZME6k6T2FEChi/3qs8VeCQIM2wW6rEQyUcQzFwqk9bks20K/8x/2vxGopxeAPpJ3glHYqweNM1" +
    "ZAQ=",
);
const IDENTITY_KEY = Uint8Array.fromBase64("2XhFuy2D5+0uZg+A50KU1XZ7PMSbUW6E7X6k7Op06Ts=");
const ONION = Uint8Array.fromBase64(
  "AQoABstQAdl4Rbstg+ftLmYPgOdClNV2ezzEm1FuhO1+pOzqdOk7AGsEQYwHCV65YCx4fS6zYcrq/nMtz0EfoVyVBbBs" +
    "RemZ4eXH+a5tOZf6uQDHwE2na8s1sdLB0LcJk4lxJJAT6wE=",
);

/** A certificate up to its extensions, then these, and 64 bytes for a signature. */
function withExtensions(count: number, ...extensions: readonly number[][]): Uint8Array {
  const bytes = new Uint8Array(40 + extensions.flat().length + 64);
  bytes.set(SIGNING.subarray(0, 39));
  bytes[39] = count;
  bytes.set(extensions.flat(), 40);
  return bytes;
}

const KEY_EXTENSION = [0, 32, 4, 0, ...new Array<number>(32).fill(7)];

function refuses(bytes: Uint8Array, code = "certificate-malformed"): void {
  assert.throws(() => parseEd25519Certificate(bytes), { name: "CryptoError", code });
}

Deno.test("a certificate of C tor's tests is read and verified", () => {
  const certificate = parseEd25519Certificate(SIGNING);
  assert.equal(certificate.certType, CertType.IdentitySigning);
  assert.equal(certificate.certKeyType, 1);
  assert.equal(certificate.expires, 0x0006cb50 * 3_600_000);
  assert.equal(
    certificate.certifiedKey.toHex(),
    "b7a36b4d05b66aa958f205e863d9b68234b8189193b227677115ffc53f7b5291",
  );
  assert.deepEqual(certificate.signingKey, IDENTITY_KEY);
  verifyEd25519Certificate(certificate, IDENTITY_KEY);
});

Deno.test("a certificate without extensions is read", () => {
  const certificate = parseEd25519Certificate(ONION);
  assert.equal(certificate.certType, 10);
  assert.equal(certificate.signingKey, undefined);
  assert.deepEqual(certificate.certifiedKey, IDENTITY_KEY);
  assert.throws(() => verifyEd25519Certificate(certificate, IDENTITY_KEY), {
    code: "certificate-signature-bad",
  });
});

Deno.test("no bit of a certificate can be changed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: SIGNING.length * 8 - 1 }), (bit) => {
      const changed = SIGNING.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      assert.throws(
        () => verifyEd25519Certificate(parseEd25519Certificate(changed), IDENTITY_KEY),
        CryptoError,
      );
    }),
    { seed: 1, numRuns: 400 },
  );
});

Deno.test("a certificate that names its signer is of no other key", () => {
  const certificate = parseEd25519Certificate(SIGNING);
  assert.throws(() => verifyEd25519Certificate(certificate, certificate.certifiedKey), {
    code: "certificate-signature-bad",
  });
});

Deno.test("a certificate expires after its hour", () => {
  const certificate = parseEd25519Certificate(SIGNING);
  assert.equal(isExpired(certificate, certificate.expires), false);
  assert.equal(isExpired(certificate, certificate.expires + 1), true);
});

Deno.test("extensions are bounded, and the unknown ones only matter if they say so", () => {
  assert.equal(parseEd25519Certificate(withExtensions(0)).signingKey, undefined);
  const known = withExtensions(2, [0, 1, 9, 0, 5], KEY_EXTENSION);
  assert.deepEqual(parseEd25519Certificate(known).signingKey, new Uint8Array(32).fill(7));
  parseEd25519Certificate(withExtensions(1, [0, 0, 9, 0xfe]));
  const critical = [KEY_EXTENSION[0], 32, 4, 1, ...KEY_EXTENSION.slice(4)];
  parseEd25519Certificate(withExtensions(1, critical));

  refuses(withExtensions(1, [0, 0, 9, 1]), "certificate-extension-unknown");
  refuses(withExtensions(1, [0, 0, 9, 0xff]), "certificate-extension-unknown");
  refuses(withExtensions(1));
  refuses(withExtensions(1, [0, 0, 9]));
  refuses(withExtensions(1, [0, 2, 9, 0, 5]));
  refuses(withExtensions(1, [0xff, 0xff, 9, 0, 5]));
  refuses(withExtensions(0, [0, 1, 9, 0, 5]));
  refuses(withExtensions(2, [0, 1, 9, 0, 5]));
  refuses(withExtensions(2, KEY_EXTENSION, KEY_EXTENSION));
  refuses(withExtensions(1, [0, 31, 4, 0, ...KEY_EXTENSION.slice(5)]));
  refuses(withExtensions(1, [0, 33, 4, 0, 0, ...KEY_EXTENSION.slice(4)]));
});

Deno.test("other versions and cut certificates are malformed", () => {
  const version2 = SIGNING.slice();
  version2[0] = 2;
  refuses(version2);
  for (let length = 0; length < SIGNING.length; length++) refuses(SIGNING.subarray(0, length));
  refuses(Uint8Array.of(...SIGNING, 0));
});

Deno.test("random bytes make the parser throw nothing but CryptoError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 250, size: "max" }), (bytes) => {
      const certificate = Uint8Array.of(1, ...bytes);
      try {
        parseEd25519Certificate(certificate);
      } catch (error) {
        assert(error instanceof CryptoError);
      }
    }),
    { seed: 1, numRuns: 1000 },
  );
});
