import assert from "node:assert/strict";
import fc from "fast-check";
import { ed25519Verify } from "../../src/crypto/ed25519.ts";

const hex = Uint8Array.fromHex;

// C tor's vectors: public key, signature, message.
const VECTORS = [
  [
    "f3e0e493b30f56e501aeb868fc912fe0c8b76621efca47a78f6d75875193dd87",
    "b5d7fd6fd3adf643647ce1fe87a2931dedd1a4e38e6c662bedd35cdd80bfac51" +
    "1b2c7d1ee6bd929ac213014e1a8dc5373854c7b25dbe15ec96bf6c94196fae06",
    "506c6561736520657863757365206d7920667269656e642e2048652069736e2774" +
    "204e554c2d7465726d696e617465642e",
  ],
  [
    "407f0025a1e1351a4cb68e92f5c0ebaf66e7aaf93a4006a4d1a66e3ede1cfeac",
    "02884fde1c3c5944d0ecf2d133726fc820c303aae695adceabf3a1e01e95bf28" +
    "da88c0966f5265e9c6f8edc77b3b96b5c91baec3ca993ccd21a3f64203600601",
    "506c6561736520657863757365206d7920667269656e642e2048652069736e2774" +
    "204e554c2d7465726d696e617465642e",
  ],
  [
    "6fe83693d011d111131c4f3fbaaa40a9d3d76b30012ff73bb0e39ec27ab18257",
    "0f9ad9793033a2fa06614b277d37381e6d94f65ac2a5a94558d09ed6ce922258" +
    "c1a567952e863ac94297aec3c0d0c8ddf71084e504860bb6ba27449b55adc40e",
    "5a8d9d0a22357e6655f9c785",
  ],
].map(([key, signature, message]) => [hex(key), hex(signature), hex(message)]);

Deno.test("Ed25519 accepts C tor's vectors, each for its own key and message", () => {
  for (const [key, signature, message] of VECTORS) {
    assert.equal(ed25519Verify(key, message, signature), true);
    assert.equal(ed25519Verify(key, message.subarray(1), signature), false);
  }
  assert.equal(ed25519Verify(VECTORS[0][0], VECTORS[1][2], VECTORS[1][1]), false);
});

Deno.test("Ed25519 refuses a signature with one bit changed, and other lengths", () => {
  const [key, signature, message] = VECTORS[0];
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 511 }), (bit) => {
      const changed = signature.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      assert.equal(ed25519Verify(key, message, changed), false);
    }),
    { seed: 1, numRuns: 100 },
  );
  assert.equal(ed25519Verify(key, message, signature.subarray(1)), false);
  assert.equal(ed25519Verify(key, message, new Uint8Array(65)), false);
  assert.equal(ed25519Verify(key, message, new Uint8Array(0)), false);
});

Deno.test("Ed25519 refuses a signature whose S is not reduced", () => {
  // S + L, with L the order of the group: the same point, another encoding.
  const [key, signature, message] = VECTORS[0];
  const order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const malleated = signature.slice();
  let carry = 0;
  for (let i = 0; i < 32; i++) {
    carry += malleated[32 + i] + order[i];
    malleated[32 + i] = carry & 0xff;
    carry >>= 8;
  }
  assert.equal(carry, 0);
  assert.equal(ed25519Verify(key, message, malleated), false);
});

Deno.test("no key of 32 bytes makes Ed25519 throw, on the curve or not", () => {
  const [, signature, message] = VECTORS[0];
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      assert.equal(ed25519Verify(key, message, signature), false);
    }),
    { seed: 1, numRuns: 200, examples: [[new Uint8Array(32).fill(0xff)], [new Uint8Array(32)]] },
  );
  assert.throws(() => ed25519Verify(new Uint8Array(31), message, signature), RangeError);
});
