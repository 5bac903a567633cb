import assert from "node:assert/strict";
import { parseRsaIdentity, type RsaIdentity } from "../../src/crypto/identity.ts";
import { type FamilyMember, inSameFamily } from "../../src/netdir/families.ts";

const BOTH = { useFamilyLists: true, useFamilyIds: true };
const LISTS = { useFamilyLists: true, useFamilyIds: false };
const IDS = { useFamilyLists: false, useFamilyIds: true };

function identity(digit: string): RsaIdentity {
  const parsed = parseRsaIdentity(digit.repeat(40));
  assert.ok(parsed);
  return parsed;
}

function member(digit: string, values: Partial<FamilyMember> = {}): FamilyMember {
  return {
    nickname: `Relay${digit}`,
    rsaIdentity: identity(digit),
    family: [],
    familyIds: [],
    ...values,
  };
}

/** Asks in both orders, which must agree. */
function same(a: FamilyMember, b: FamilyMember, rules = BOTH): boolean {
  const result = inSameFamily(a, b, rules);
  assert.equal(inSameFamily(b, a, rules), result);
  return result;
}

Deno.test("relays that list each other by identity or nickname are a family", () => {
  const a = member("A", { family: [identity("B"), identity("C")] });
  assert.ok(same(a, member("B", { family: [identity("A")] })));
  assert.ok(same(a, member("C", { family: ["relaya"] })));
});

Deno.test("one relay alone cannot claim another", () => {
  const a = member("A", { family: [identity("B"), identity("A"), "relayc"] });
  assert.ok(!same(a, member("B")));
  assert.ok(!same(a, member("B", { family: [identity("B"), identity("C")] })));
  assert.ok(!same(member("A"), member("B")));
});

Deno.test("relays with a family id in common are a family", () => {
  const a = member("A", { familyIds: ["ed25519:x", "ed25519:y"] });
  assert.ok(same(a, member("B", { familyIds: ["ed25519:z", "ed25519:y"] })));
  assert.ok(!same(a, member("B", { familyIds: ["ed25519:z"] })));
});

Deno.test("each kind of claim counts only when it is switched on", () => {
  const listed = [
    member("A", { family: [identity("B")] }),
    member("B", { family: [identity("A")] }),
  ];
  const withIds = [member("A", { familyIds: ["x"] }), member("B", { familyIds: ["x"] })];
  assert.deepEqual([LISTS, IDS].map((rules) => same(listed[0], listed[1], rules)), [true, false]);
  assert.deepEqual([LISTS, IDS].map((rules) => same(withIds[0], withIds[1], rules)), [false, true]);
});
