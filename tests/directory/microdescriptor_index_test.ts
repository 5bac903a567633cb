import assert from "node:assert/strict";
import fc from "fast-check";
import { MicrodescriptorIndex } from "../../src/directory/microdescriptor_index.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

const number32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** Digests that have their first bytes in common more often than not. */
const digest = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 40 })).map(
  ([first, last]) => {
    const bytes = new Uint8Array(32).fill(7);
    bytes[0] = first;
    bytes[31] = last;
    return bytes;
  },
);

Deno.test("an index is a map from digests to places", () => {
  const entry = fc.tuple(digest, number32, number32, number32);
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 400 }), digest, (entries, stranger) => {
      const index = new MicrodescriptorIndex();
      const expected = new Map<string, readonly number[]>();
      for (const [bytes, ...place] of entries) {
        index.put(bytes, ...place);
        expected.set(bytes.toHex(), place);
      }
      assert.equal(index.size, expected.size);
      [...expected].forEach(([hex, place], number) => {
        assert.equal(index.find(Uint8Array.fromHex(hex)), number);
        assert.equal(index.digest(number).toHex(), hex);
        const found = [index.start(number), index.length(number), index.lastListed(number)];
        assert.deepEqual(found, place);
      });
      assert.equal(index.find(stranger) >= 0, expected.has(stranger.toHex()));
    }),
    { seed: 1 },
  );
});

Deno.test("an index of thousands finds each, and dates can be changed", () => {
  const random = new SeededRandom(1);
  const digests = Array.from({ length: 5000 }, () => {
    const bytes = new Uint8Array(32);
    random.fill(bytes);
    return bytes;
  });
  const index = new MicrodescriptorIndex();
  digests.forEach((bytes, number) => index.put(bytes, number, 1, 2));
  index.setLastListed(77, 99);
  digests.forEach((bytes, number) => assert.equal(index.find(bytes), number));
  assert.deepEqual([index.lastListed(76), index.lastListed(77)], [2, 99]);
});
