import assert from "node:assert/strict";
import { WarningLimit } from "../../src/proxy/warning_limit.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

Deno.test("one warning of each kind passes in each interval", () => {
  const clock = new FakeClock();
  const limit = new WarningLimit(clock, 1000);
  assert.deepEqual([limit.pass("a"), limit.pass("a"), limit.pass(1)], [true, false, true]);
  clock.advance(999);
  assert.equal(limit.pass("a"), false);
  clock.advance(1);
  assert.deepEqual([limit.pass("a"), limit.pass("a")], [true, false]);
});
