import assert from "node:assert/strict";
import { SuspectRelays } from "../../src/circuit/suspect_relays.ts";
import { identityOf } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

Deno.test("SuspectRelays: a relay is suspected for a minute after it was last silent", () => {
  const clock = new FakeClock();
  const suspects = new SuspectRelays(clock);
  assert.deepEqual(suspects.current(), []);
  suspects.add([identityOf(1), identityOf(2)]);
  clock.advance(40_000);
  suspects.add([identityOf(2)]);
  assert.deepEqual(suspects.current(), [identityOf(1), identityOf(2)]);
  clock.advance(20_000);
  assert.deepEqual(suspects.current(), [identityOf(2)]);
  clock.advance(40_000);
  assert.deepEqual(suspects.current(), []);
});

Deno.test("SuspectRelays: only the latest four", () => {
  const suspects = new SuspectRelays(new FakeClock());
  suspects.add([1, 2, 3].map(identityOf));
  suspects.add([1, 4, 5].map(identityOf));
  assert.deepEqual(suspects.current(), [3, 1, 4, 5].map(identityOf));
});
