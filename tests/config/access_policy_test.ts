import assert from "node:assert/strict";
import fc from "fast-check";
import { isAccepted, LOOPBACK_ONLY, parseAccessPolicy } from "../../src/config/access_policy.ts";
import { ConfigError } from "../../src/config/errors.ts";

function parse(...values: readonly string[]) {
  const origin = { file: "torrc", line: 1 };
  return parseAccessPolicy(
    "MetricsPortPolicy",
    values.map((value) => ({ name: "MetricsPortPolicy", value, command: "set", origin })),
    false,
  );
}

const CASES: readonly (readonly [policy: string, accepted: string[], refused: string[]])[] = [
  ["accept 10.1.2.3", ["10.1.2.3", "::ffff:10.1.2.3"], ["10.1.2.4", "::1"]],
  ["accept 10.0.0.0/8", ["10.255.0.1"], ["11.0.0.0", "127.0.0.1"]],
  ["ACCEPT 10.0.0.0/255.255.0.0", ["10.0.9.9"], ["10.1.0.0"]],
  ["reject 10.0.0.1, accept 10.0.0.0/24", ["10.0.0.2"], ["10.0.0.1", "10.0.1.0"]],
  ["accept [2001:db8::]/32", ["2001:db8:1::1"], ["2001:db9::1", "10.0.0.1"]],
  ["accept6 2001:db8::1", ["2001:db8::1"], ["2001:db8::2"]],
  ["accept *", ["1.2.3.4", "2001:db8::1"], ["x", ""]],
  ["accept *4", ["1.2.3.4"], ["2001:db8::1"]],
  ["accept6 *", ["2001:db8::1"], ["1.2.3.4"]],
  ["reject private, accept *", ["1.2.3.4", "2001:db8::1"], ["192.168.1.1", "::1", "fe80::1"]],
  ["accept 1.2.3.4:80, accept 1.2.3.5:*, accept [::1]:1-5, accept *6:9", [
    "1.2.3.4",
    "1.2.3.5",
    "::1",
    "2001:db8::1",
  ], ["1.2.3.6"]],
];

for (const [policy, accepted, refused] of CASES) {
  Deno.test(`access policy '${policy}'`, () => {
    const rules = parse(policy);
    for (const address of accepted) assert.ok(isAccepted(rules, address), address);
    for (const address of refused) assert.ok(!isAccepted(rules, address), address);
  });
}

Deno.test("access policy: the first rule that fits decides, over all lines", () => {
  const rules = parse("reject 1.2.3.4", "accept 1.2.3.0/24", "reject 1.2.3.5");
  assert.deepEqual(
    ["1.2.3.4", "1.2.3.5", "1.2.4.0"].map((address) => isAccepted(rules, address)),
    [false, true, false],
  );
  assert.ok(isAccepted({ ...rules, otherwise: true }, "9.9.9.9"));
});

Deno.test("access policy: this machine alone", () => {
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]) {
    assert.ok(isAccepted(LOOPBACK_ONLY, address), address);
  }
  for (const address of ["10.0.0.1", "::2", "0.0.0.0"]) {
    assert.ok(!isAccepted(LOOPBACK_ONLY, address), address);
  }
});

const REFUSED = [
  "10.0.0.1",
  "accept",
  "accept example.com",
  "accept 10.0.0.1/33",
  "accept 10.0.0.1/255.0.255.0",
  "accept ::1/129",
  "accept fe80::1%eth0",
  "accept 10.0.0.1/8/8",
  "accept6 10.0.0.1",
  "allow *",
];

for (const text of REFUSED) {
  Deno.test(`access policy '${text}' is refused`, () => {
    assert.throws(() => parse(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, "config-bad-value");
      return error.message.includes(text);
    });
  });
}

Deno.test("access policy: any text is read or refused, and no address makes it throw", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (rule, address) => {
      try {
        const rules = parse(`accept ${rule}`);
        assert.equal(typeof isAccepted(rules, address), "boolean");
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
    { seed: 1 },
  );
});
