import assert from "node:assert/strict";
import {
  parsePortPolicy,
  portPolicyAllows,
  REJECT_ALL_PORTS,
} from "../../src/netdoc/exit_policy.ts";

function allowed(text: string, ports: readonly number[]): number[] {
  const policy = parsePortPolicy(text);
  assert.ok(policy, text);
  return ports.filter((port) => portPolicyAllows(policy, port));
}

Deno.test("an accept policy allows its ports only", () => {
  const ports = [1, 79, 80, 81, 442, 443, 444, 6659, 6660, 6667, 6668, 65535];
  assert.deepEqual(allowed("accept 80,443,6660-6667", ports), [80, 443, 6660, 6667]);
});

Deno.test("a reject policy allows all other ports", () => {
  const ports = [1, 24, 25, 26, 119, 65535];
  assert.deepEqual(allowed("reject 25,119-65535", ports), [1, 24, 26]);
  assert.deepEqual(allowed("reject 1-65535", ports), []);
});

Deno.test("items of an unknown kind are left out", () => {
  assert.deepEqual(allowed("accept some:thing,80,", [80, 443]), [80]);
});

Deno.test("malformed policies cannot be read", () => {
  const wrong = [
    "",
    "accept",
    "accept ",
    "permit 80",
    "accept 0",
    "accept 65536",
    "accept 80-79",
    "accept 80-",
    "accept 80 443",
    "accept 80-443-500",
    "accept thing",
    `accept ${"1,".repeat(1000)}1`,
  ];
  for (const text of wrong) assert.equal(parsePortPolicy(text), undefined, text);
});

Deno.test("the policy of no exit allows nothing", () => {
  for (const port of [1, 80, 65535]) assert.equal(portPolicyAllows(REJECT_ALL_PORTS, port), false);
});
