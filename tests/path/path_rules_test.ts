import assert from "node:assert/strict";
import type { Relay } from "../../src/netdir/relay.ts";
import { conflicts, mayJoin, type PathRules, pathRules } from "../../src/path/path_rules.ts";
import { identityOf, testNetDir, type TestRelay } from "./test_network.ts";

const RULES: PathRules = {
  enforceDistinctSubnets: true,
  allowPrivateAddresses: false,
  nodeFamilies: [],
  useFamilyLists: true,
  useFamilyIds: true,
};

function relays(...descriptions: TestRelay[]): Relay[] {
  const netDir = testNetDir({ relays: descriptions });
  return descriptions.map(({ number }) => {
    const relay = netDir.relay(identityOf(number));
    assert.ok(relay !== undefined);
    return relay;
  });
}

/** Whether two relays conflict, which must not depend on their order. */
function inConflict(a: Omit<TestRelay, "number">, b: Omit<TestRelay, "number">, rules = RULES) {
  const [first, second] = relays({ number: 1, ...a }, { number: 2, ...b });
  const result = conflicts(first, second, rules);
  assert.equal(conflicts(second, first, rules), result);
  return result;
}

Deno.test("a relay conflicts with itself, and unrelated relays do not conflict", () => {
  const [relay] = relays({ number: 1 });
  assert.ok(conflicts(relay, relay, { ...RULES, enforceDistinctSubnets: false }));
  assert.ok(!inConflict({}, {}));
});

Deno.test("relays with one Ed25519 identity conflict whatever their RSA identities", () => {
  const [first, second] = relays({ number: 1 }, { number: 2 });
  const copy: Relay = {
    ...plain(second),
    ed25519Identity: first.ed25519Identity,
  };
  assert.ok(conflicts(first, copy, RULES));
  const without = { ...plain(second), ed25519Identity: undefined };
  assert.ok(!conflicts({ ...plain(first), ed25519Identity: undefined }, without, RULES));
});

Deno.test("one IPv4 /16 or IPv6 /32 is a conflict, unless the option is off", () => {
  const lax = { ...RULES, enforceDistinctSubnets: false };
  assert.ok(inConflict({ hostname: "5.6.1.1" }, { hostname: "5.6.200.9" }));
  assert.ok(!inConflict({ hostname: "5.6.1.1" }, { hostname: "5.60.1.1" }));
  assert.ok(!inConflict({ hostname: "5.6.1.1" }, { hostname: "5.6.200.9" }, lax));
  assert.ok(inConflict({ ipv6: "2a00:1::1" }, { ipv6: "2a00:1:ffff::2" }));
  assert.ok(!inConflict({ ipv6: "2a00:1::1" }, { ipv6: "2a00:2::1" }));
  assert.ok(!inConflict({ ipv6: "2a00:1::1" }, { ipv6: "2a00:1:ffff::2" }, lax));
});

Deno.test("families conflict as far as the consensus lets them", () => {
  const mutual = [{ family: [identityOf(2)] }, { family: ["relay1"] }] as const;
  assert.ok(inConflict(...mutual));
  assert.ok(!inConflict(...mutual, { ...RULES, useFamilyLists: false }));
  assert.ok(!inConflict({ family: [identityOf(2)] }, {}));
  const shared = [{ familyIds: ["ed25519:x"] }, { familyIds: ["ed25519:y", "ed25519:x"] }] as const;
  assert.ok(inConflict(...shared));
  assert.ok(!inConflict(...shared, { ...RULES, useFamilyIds: false }));
  const configured = { ...RULES, nodeFamilies: [[identityOf(1), identityOf(2)]] };
  assert.ok(inConflict({}, {}, configured));
  assert.ok(!inConflict({}, {}, { ...RULES, nodeFamilies: [[identityOf(1)]] }));
});

Deno.test("the rules come from the options and the consensus", () => {
  const options = { enforceDistinctSubnets: false, extendAllowPrivateAddresses: true };
  assert.deepEqual(pathRules(testNetDir({ relays: [] }), options), {
    enforceDistinctSubnets: false,
    allowPrivateAddresses: true,
    nodeFamilies: [],
    useFamilyLists: true,
    useFamilyIds: true,
  });
  const parameters = { "use-family-lists": 0, "use-family-ids": 0 };
  const { useFamilyLists, useFamilyIds } = pathRules(
    testNetDir({ relays: [], parameters }),
    options,
  );
  assert.deepEqual({ useFamilyLists, useFamilyIds }, {
    useFamilyLists: false,
    useFamilyIds: false,
  });
});

Deno.test("relays with private addresses join a path only where that is allowed", () => {
  const [open, private4, private6] = relays(
    { number: 1, ipv6: "2a00:1::1" },
    { number: 2, hostname: "10.0.0.1" },
    { number: 3, ipv6: "fc00::1" },
  );
  assert.ok(mayJoin(open, { rules: RULES }));
  for (const relay of [private4, private6]) {
    assert.ok(!mayJoin(relay, { rules: RULES }));
    assert.ok(mayJoin(relay, { rules: { ...RULES, allowPrivateAddresses: true } }));
  }
});

Deno.test("a relay joins a path unless it conflicts with one of it or is excluded", () => {
  const [first, second, near] = relays(
    { number: 1 },
    { number: 2, hostname: "5.6.1.1" },
    { number: 3, hostname: "5.6.2.2" },
  );
  assert.ok(mayJoin(near, { rules: RULES, path: [first] }));
  assert.ok(!mayJoin(near, { rules: RULES, path: [first, second] }));
  assert.ok(!mayJoin(near, { rules: RULES, excluded: (relay) => relay === near }));
});

/** A relay whose members are its own, so that it can be spread. */
function plain(relay: Relay): Relay {
  return {
    nickname: relay.nickname,
    rsaIdentity: relay.rsaIdentity,
    ed25519Identity: relay.ed25519Identity,
    onionKey: relay.onionKey,
    hostname: relay.hostname,
    port: relay.port,
    ipv6: relay.ipv6,
    flags: relay.flags,
    bandwidth: relay.bandwidth,
    supports: () => false,
    family: relay.family,
    familyIds: relay.familyIds,
    exitPolicy: relay.exitPolicy,
    exitPolicy6: relay.exitPolicy6,
  };
}
