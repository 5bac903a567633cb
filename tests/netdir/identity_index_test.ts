import assert from "node:assert/strict";
import fc from "fast-check";
import { type RsaIdentity, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { lastOf } from "../../src/netdoc/steps.ts";
import { IdentityIndex } from "../../src/netdir/identity_index.ts";

/** Identities whose first 4 bytes are often the same. */
const identity: fc.Arbitrary<RsaIdentity> = fc.tuple(
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 9 }),
).map(([first, last]) => {
  const bytes = new Uint8Array(20);
  new DataView(bytes.buffer).setUint32(0, first);
  bytes[19] = last;
  return rsaIdentityFromBytes(bytes);
});

Deno.test("an index finds the places of those that are there", () => {
  fc.assert(
    fc.property(fc.uniqueArray(identity), identity, (identities, other) => {
      const sorted = identities.toSorted();
      const index = lastOf(IdentityIndex.steps(sorted.map((rsaIdentity) => ({ rsaIdentity }))));
      sorted.forEach((each, place) => assert.equal(index.find(each), place));
      assert.equal(index.find(other), sorted.indexOf(other));
    }),
    { seed: 1, numRuns: 500 },
  );
});
