import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { RunningDigest } from "../../src/crypto/running_digest.ts";

const SEED = new Uint8Array(20).map((_, index) => index * 11);

Deno.test("a running digest covers the seed and every payload added", () => {
  const digest = new RunningDigest(SEED);
  assert.deepEqual([...digest.value], new Array(20).fill(0));
  const added = [SEED];
  for (let cell = 0; cell < 70; cell++) {
    const payload = new Uint8Array(509).fill(cell);
    digest.add(payload);
    added.push(payload);
    assert.equal(digest.value.toHex(), sha1(added));
  }
});

Deno.test("a payload is added exactly when the digest begins as expected", () => {
  const payload = fc.uint8Array({ minLength: 509, maxLength: 509 });
  const step = fc.record({ payload, wrongBits: fc.oneof(fc.constant(0), fc.integer()) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const digest = new RunningDigest(SEED);
      let added = [SEED];
      let value = "00".repeat(20);
      for (const { payload, wrongBits } of steps) {
        const then = sha1([...added, payload]);
        const expected = parseInt(then.slice(0, 8), 16) ^ wrongBits;
        assert.equal(digest.addIfDigestBegins(expected, payload), wrongBits === 0);
        if (wrongBits === 0) {
          added = [...added, payload];
          value = then;
        }
        assert.equal(digest.value.toHex(), value);
      }
    }),
    { seed: 1 },
  );
});

Deno.test("a seed of another length is refused", () => {
  assert.throws(() => new RunningDigest(new Uint8Array(19)), RangeError);
});

function sha1(pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha1");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}
