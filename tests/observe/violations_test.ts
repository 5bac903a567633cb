import assert from "node:assert/strict";
import { Violations } from "../../src/observe/violations.ts";

Deno.test("Violations: counted by relay and by code", () => {
  const violations = new Violations();
  assert.deepEqual([violations.relays, violations.of("A")], [[], {}]);
  violations.note("A", "one");
  violations.note("B", "one");
  violations.note("A", "two");
  violations.note("A", "one");
  assert.deepEqual(violations.of("A"), { one: 2, two: 1 });
  assert.deepEqual(violations.of("B"), { one: 1 });
  assert.deepEqual(violations.relays, ["B", "A"]);
});

Deno.test("Violations: the relay whose last one is the longest ago is forgotten", () => {
  const violations = new Violations(2);
  for (const relay of ["A", "B", "A", "C"]) violations.note(relay, "code");
  assert.deepEqual(violations.relays, ["A", "C"]);
  assert.deepEqual(violations.of("A"), { code: 2 });
  assert.deepEqual(violations.of("B"), {});
});
