import assert from "node:assert/strict";
import { consensusParameter, PARAMETERS } from "../../src/netdoc/parameters.ts";

Deno.test("a parameter is its default when absent, and never out of bounds", () => {
  const name = "min_paths_for_circs_pct";
  assert.equal(consensusParameter(new Map(), name), 60);
  assert.equal(consensusParameter(new Map([[name, 70]]), name), 70);
  assert.equal(consensusParameter(new Map([[name, 0]]), name), 25);
  assert.equal(consensusParameter(new Map([[name, 1000]]), name), 95);
  assert.equal(consensusParameter(new Map([["circwindow", 70]]), name), 60);
});

Deno.test("the table is in order, and each default within its bounds", () => {
  const names = Object.keys(PARAMETERS);
  assert.deepEqual(names, [...names].sort());
  for (const [name, { default: byDefault, min, max }] of Object.entries(PARAMETERS)) {
    assert.ok(min <= byDefault && byDefault <= max && max <= 2 ** 31 - 1, name);
  }
});
