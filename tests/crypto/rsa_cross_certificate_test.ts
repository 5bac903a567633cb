import assert from "node:assert/strict";
import fc from "fast-check";
import { parseRsaPublicKey } from "../../src/crypto/rsa.ts";
import { CryptoError } from "../../src/crypto/errors.ts";
import {
  parseRsaCrossCertificate,
  verifyRsaCrossCertificate,
} from "../../src/crypto/rsa_cross_certificate.ts";
import { rsaCrossCertificate, rsaKey, rsaPublicDer } from "../../testnet/certificates.ts";

const signer = rsaKey();
const key = parseRsaPublicKey(rsaPublicDer(signer));
const EXPIRES = 500_000 * 3_600_000;
const ED25519 = new Uint8Array(32).fill(9);
const CERTIFICATE = rsaCrossCertificate({ ed25519: ED25519, expires: EXPIRES, signer });

Deno.test("a cross-certificate is read and verified", () => {
  const certificate = parseRsaCrossCertificate(CERTIFICATE);
  assert.deepEqual(new Uint8Array(certificate.ed25519Key), ED25519);
  assert.equal(certificate.expires, EXPIRES);
  verifyRsaCrossCertificate(certificate, key);
});

Deno.test("a cross-certificate of another key is refused", () => {
  const other = parseRsaPublicKey(rsaPublicDer(rsaKey()));
  assert.throws(() => verifyRsaCrossCertificate(parseRsaCrossCertificate(CERTIFICATE), other), {
    name: "CryptoError",
    code: "certificate-signature-bad",
  });
});

Deno.test("no bit of a cross-certificate can be changed", () => {
  fc.assert(
    fc.property(fc.nat(CERTIFICATE.length * 8 - 1), (bit) => {
      const changed = Uint8Array.from(CERTIFICATE);
      changed[bit >> 3] ^= 1 << (bit & 7);
      assert.throws(
        () => verifyRsaCrossCertificate(parseRsaCrossCertificate(changed), key),
        CryptoError,
      );
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("a cut or prolonged cross-certificate is malformed", () => {
  for (let length = 0; length < CERTIFICATE.length; length++) {
    assert.throws(() => parseRsaCrossCertificate(CERTIFICATE.subarray(0, length)), {
      name: "CryptoError",
      code: "certificate-malformed",
    });
  }
  assert.throws(() => parseRsaCrossCertificate(Uint8Array.of(...CERTIFICATE, 0)), {
    code: "certificate-malformed",
  });
});
