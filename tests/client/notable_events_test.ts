import assert from "node:assert/strict";
import { NotableEvents } from "../../src/client/notable_events.ts";
import { parseRsaIdentity } from "../../src/crypto/identity.ts";
import { setSafeLogging } from "../../src/observe/log.ts";
import { LogWatch } from "../misbehaviour/log_watch.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const GUARD = parseRsaIdentity("A".repeat(40));
assert.ok(GUARD !== undefined);

const down = { kind: "reachability", rsaIdentity: GUARD, reachability: "no" } as const;
const up = { ...down, reachability: "yes" } as const;

Deno.test("NotableEvents: a guard that goes and comes back, once in ten minutes each", async () => {
  await using log = await LogWatch.start();
  const clock = new FakeClock();
  const events = new NotableEvents(clock, () => "snowdrop");
  events.noteGuardChange(up);
  assert.deepEqual(log.lines, []);
  for (let time = 0; time < 3; time++) {
    events.noteGuardChange(down);
    events.noteGuardChange(up);
  }
  assert.deepEqual(log.lines, [
    "info Guard [scrubbed] does not answer: others are used until it is tried again.",
    "info Guard [scrubbed] answers again.",
  ]);
  clock.advance(600_000);
  setSafeLogging(false);
  try {
    events.noteGuardChange(down);
  } finally {
    setSafeLogging(true);
  }
  assert.match(
    log.lines[2],
    /Guard snowdrop \(\$A{40}\) does not answer.*\(2 more like this in the last 10 minutes\)/,
  );
});

Deno.test("NotableEvents: refused relays, by the reason", async () => {
  await using log = await LogWatch.start();
  const events = new NotableEvents(new FakeClock(), () => undefined);
  for (const code of ["tls-signature", "tls-signature", "certs-missing"]) {
    events.noteViolation(GUARD, code);
  }
  assert.deepEqual(log.lines, [
    "info Relay [scrubbed] was refused because it broke the protocol [tls-signature].",
    "info Relay [scrubbed] was refused because it broke the protocol [certs-missing].",
  ]);
});
