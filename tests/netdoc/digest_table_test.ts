import assert from "node:assert/strict";
import fc from "fast-check";
import { DigestTable } from "../../src/netdoc/digest_table.ts";

/** Digests that have their first bytes in common more often than not. */
const digest = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 255 })).map(
  ([first, last]) => {
    const bytes = new Uint8Array(32).fill(7);
    bytes[0] = first;
    bytes[31] = last;
    return bytes;
  },
);

Deno.test("a table numbers digests in the order in which they come, each once", () => {
  const expectations = fc.constantFrom(undefined, 0, 1, 300);
  fc.assert(
    fc.property(fc.array(digest, { maxLength: 400 }), digest, expectations, (all, other, guess) => {
      const table = new DigestTable(guess);
      const numbers = new Map<string, number>();
      for (const bytes of all) {
        const number = numbers.get(bytes.toHex()) ?? numbers.size;
        numbers.set(bytes.toHex(), number);
        assert.equal(table.add(bytes), number);
      }
      assert.equal(table.size, numbers.size);
      for (const [hex, number] of numbers) {
        assert.equal(table.find(Uint8Array.fromHex(hex)), number);
        assert.equal(table.digest(number).toHex(), hex);
      }
      assert.equal(table.find(other), numbers.get(other.toHex()) ?? -1);
    }),
    { seed: 1 },
  );
});

Deno.test("a table keeps its own copy of a digest", () => {
  const table = new DigestTable();
  const bytes = new Uint8Array(32).fill(1);
  table.add(bytes);
  bytes.fill(2);
  assert.equal(table.find(bytes), -1);
  assert.equal(table.find(new Uint8Array(32).fill(1)), 0);
});
