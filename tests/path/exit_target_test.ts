import assert from "node:assert/strict";
import { RelayFlag } from "../../src/netdir/relay.ts";
import {
  exitAllows,
  type ExitTarget,
  needsStableRelays,
  policyRejectsAll,
  rejectsAllExits,
} from "../../src/path/exit_target.ts";
import { GUARD_FLAGS, identityOf, testNetDir, type TestRelay } from "./test_network.ts";

function relay(description: Omit<TestRelay, "number">) {
  const relay = testNetDir({ relays: [{ number: 1, ...description }] }).relay(identityOf(1));
  assert.ok(relay !== undefined);
  return relay;
}

const WEB = relay({ exitPolicy: "accept 80,443", exitPolicy6: "accept 8080" });

for (
  const [target, allowed] of [
    [{ kind: "address", family: 4, port: 443 }, true],
    [{ kind: "address", family: 4, port: 8080 }, false],
    [{ kind: "address", family: 6, port: 8080 }, true],
    [{ kind: "address", family: 6, port: 443 }, false],
    [{ kind: "name", port: 80 }, true],
    // Most names have an IPv4 address, and the exit takes what it resolves.
    [{ kind: "name", port: 8080 }, false],
    [{ kind: "any-port", ports: [22, 443] }, true],
    [{ kind: "any-port", ports: [22, 25] }, false],
    [{ kind: "any-port", ports: [] }, false],
    [{ kind: "resolve" }, true],
    [{ kind: "internal" }, true],
  ] satisfies [ExitTarget, boolean][]
) {
  Deno.test(`an exit for 80, 443 and IPv6 8080 ${allowed ? "allows" : "refuses"} ${JSON.stringify(target)}`, () => {
    assert.equal(exitAllows(WEB, target), allowed);
  });
}

Deno.test("a BadExit serves nothing but internal circuits", () => {
  const bad = relay({ flags: GUARD_FLAGS | RelayFlag.BadExit, exitPolicy: "accept 1-65535" });
  assert.ok(!exitAllows(bad, { kind: "name", port: 80 }));
  assert.ok(!exitAllows(bad, { kind: "resolve" }));
  assert.ok(exitAllows(bad, { kind: "internal" }));
});

Deno.test("names are resolved only by relays that allow some exit of either family", () => {
  assert.ok(!exitAllows(relay({}), { kind: "resolve" }));
  assert.ok(exitAllows(relay({ exitPolicy6: "accept 443" }), { kind: "resolve" }));
  assert.ok(rejectsAllExits(relay({ exitPolicy: "reject 1-65535" })));
  assert.ok(!rejectsAllExits(relay({ exitPolicy: "reject 1-65534" })));
});

Deno.test("a policy that accepts an empty list rejects all", () => {
  assert.ok(policyRejectsAll({ accept: true, ranges: [] }));
  assert.ok(!policyRejectsAll({ accept: false, ranges: [] }));
});

Deno.test("long-lived ports need stable relays", () => {
  const needsStable = (target: ExitTarget) => needsStableRelays(target, new Set([22, 6667]));
  assert.ok(needsStable({ kind: "name", port: 22 }));
  assert.ok(needsStable({ kind: "address", family: 4, port: 6667 }));
  assert.ok(needsStable({ kind: "any-port", ports: [443, 22] }));
  assert.ok(!needsStable({ kind: "any-port", ports: [80, 443] }));
  assert.ok(!needsStable({ kind: "name", port: 443 }));
  assert.ok(!needsStable({ kind: "resolve" }));
  assert.ok(!needsStable({ kind: "internal" }));
  assert.ok(!needsStableRelays({ kind: "name", port: 22 }, new Set()));
});
