import assert from "node:assert/strict";
import type { Relay } from "../../src/netdir/relay.ts";
import { NodeSet } from "../../src/path/node_set.ts";
import { conflicts, mayJoin, pathOptions, pathRules } from "../../src/path/path_rules.ts";
import { identityOf, NO_WISHES, TEST_RULES, testNetDir, type TestRelay } from "./test_network.ts";

function relays(...descriptions: TestRelay[]): Relay[] {
  const netDir = testNetDir({ relays: descriptions });
  return descriptions.map(({ number }) => {
    const relay = netDir.relay(identityOf(number));
    assert.ok(relay !== undefined);
    return relay;
  });
}

/** Whether two relays conflict, which must not depend on their order. */
function inConflict(
  a: Omit<TestRelay, "number">,
  b: Omit<TestRelay, "number">,
  rules = TEST_RULES,
) {
  const [first, second] = relays({ number: 1, ...a }, { number: 2, ...b });
  const result = conflicts(first, second, rules);
  assert.equal(conflicts(second, first, rules), result);
  return result;
}

Deno.test("a relay conflicts with itself, and unrelated relays do not conflict", () => {
  const [relay] = relays({ number: 1 });
  assert.ok(conflicts(relay, relay, { ...TEST_RULES, enforceDistinctSubnets: false }));
  assert.ok(!inConflict({}, {}));
});

Deno.test("relays with one Ed25519 identity conflict whatever their RSA identities", () => {
  const [first, second] = relays({ number: 1 }, { number: 2 });
  const copy: Relay = {
    ...plain(second),
    ed25519Identity: first.ed25519Identity,
  };
  assert.ok(conflicts(first, copy, TEST_RULES));
  const without = { ...plain(second), ed25519Identity: undefined };
  assert.ok(!conflicts({ ...plain(first), ed25519Identity: undefined }, without, TEST_RULES));
});

Deno.test("one IPv4 /16 or IPv6 /32 is a conflict, unless the option is off", () => {
  const lax = { ...TEST_RULES, enforceDistinctSubnets: false };
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
  assert.ok(!inConflict(...mutual, { ...TEST_RULES, useFamilyLists: false }));
  assert.ok(!inConflict({ family: [identityOf(2)] }, {}));
  const shared = [{ familyIds: ["ed25519:x"] }, { familyIds: ["ed25519:y", "ed25519:x"] }] as const;
  assert.ok(inConflict(...shared));
  assert.ok(!inConflict(...shared, { ...TEST_RULES, useFamilyIds: false }));
});

Deno.test("a family that the user declares has members of every kind", () => {
  const family = NodeSet.compile([
    { kind: "identity", rsaIdentity: identityOf(1) },
    { kind: "nickname", nickname: "relay2" },
    { kind: "addresses", network: "7.7.0.0", prefixLength: 16, ports: { first: 1, last: 65535 } },
  ], undefined);
  const rules = { ...TEST_RULES, nodeFamilies: [NodeSet.compile([], undefined), family] };
  assert.ok(inConflict({}, {}, rules));
  const [identity, address, stranger] = relays(
    { number: 1 },
    { number: 3, hostname: "7.7.1.1" },
    { number: 4 },
  );
  assert.ok(conflicts(identity, address, rules));
  assert.ok(!conflicts(identity, stranger, rules));
  assert.ok(!conflicts(stranger, address, rules));
});

Deno.test("the rules come from the configuration and the consensus", () => {
  const options = pathOptions({
    enforceDistinctSubnets: false,
    extendAllowPrivateAddresses: true,
    nodeFamilies: [[{ kind: "nickname", nickname: "relay1" }]],
    nodes: {
      ...NO_WISHES,
      exclude: [{ kind: "nickname", nickname: "relay2" }],
      geoIpFile: undefined,
      geoIpv6File: undefined,
    },
    longLivedPorts: [22, 23],
  }, undefined);
  const rules = pathRules(testNetDir({ relays: [] }), options);
  assert.equal(rules.enforceDistinctSubnets, false);
  assert.equal(rules.allowPrivateAddresses, true);
  assert.deepEqual([...rules.longLivedPorts], [22, 23]);
  assert.deepEqual([rules.useFamilyLists, rules.useFamilyIds], [true, true]);
  const [first, second] = relays({ number: 1 }, { number: 2 });
  assert.deepEqual(rules.nodeFamilies.map((family) => family.contains(first)), [true]);
  assert.deepEqual([first, second].map((relay) => rules.nodes.isExcluded(relay)), [false, true]);
  const parameters = { "use-family-lists": 0, "use-family-ids": 0 };
  const { useFamilyLists, useFamilyIds } = pathRules(
    testNetDir({ relays: [], parameters }),
    options,
  );
  assert.deepEqual([useFamilyLists, useFamilyIds], [false, false]);
});

Deno.test("a relay joins a path unless it conflicts with one of it or is excluded", () => {
  const [first, second, near] = relays(
    { number: 1 },
    { number: 2, hostname: "5.6.1.1" },
    { number: 3, hostname: "5.6.2.2" },
  );
  assert.ok(mayJoin(near, { rules: TEST_RULES, path: [first] }));
  assert.ok(!mayJoin(near, { rules: TEST_RULES, path: [first, second] }));
  assert.ok(!mayJoin(near, { rules: TEST_RULES, excluded: (relay) => relay === near }));
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
