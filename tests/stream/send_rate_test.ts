import assert from "node:assert/strict";
import fc from "fast-check";
import { SendRate } from "../../src/stream/send_rate.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

Deno.test("SendRate: no limit until there is one, and none again", () => {
  const rate = new SendRate(new FakeClock());
  rate.spend(1e15);
  assert.equal(rate.isOpen, true);
  rate.limit(1000);
  rate.spend(5000);
  assert.equal(rate.isOpen, false);
  rate.limit(Infinity);
  assert.equal(rate.isOpen, true);
  rate.spend(1e15);
  assert.equal(rate.isOpen, true);
});

Deno.test("SendRate: one second's worth at once, and then as time goes by", () => {
  const clock = new FakeClock();
  const rate = new SendRate(clock);
  clock.advance(60_000);
  rate.limit(100_000);
  rate.spend(99_999);
  assert.equal(rate.isOpen, true);
  rate.spend(498);
  assert.equal(rate.isOpen, false);
  clock.advance(4);
  assert.equal(rate.isOpen, false);
  clock.advance(1);
  assert.equal(rate.isOpen, true);
  // However long it was idle, one second's worth is all that is saved.
  rate.spend(1000);
  assert.equal(rate.isOpen, false);
  clock.advance(3_600_000);
  assert.equal(rate.isOpen, true);
  rate.spend(100_000);
  assert.equal(rate.isOpen, false);
});

Deno.test("SendRate: a new limit takes away what it would not have saved", () => {
  const clock = new FakeClock();
  const rate = new SendRate(clock);
  rate.limit(1_000_000);
  rate.limit(1000);
  rate.spend(1000);
  assert.equal(rate.isOpen, false);
  clock.advance(500);
  rate.limit(2000);
  // What was gathered at the old pace stays: 500 bytes.
  rate.spend(499);
  assert.equal(rate.isOpen, true);
  rate.spend(1);
  assert.equal(rate.isOpen, false);
});

Deno.test("SendRate: waits until 16 messages can go, but not too short nor beyond what is saved", () => {
  const waitFor = (bytesPerSecond: number) => {
    const rate = new SendRate(new FakeClock());
    rate.limit(bytesPerSecond);
    rate.spend(bytesPerSecond);
    return rate.wait;
  };
  assert.equal(waitFor(79_680), 100);
  assert.equal(waitFor(10_000_000), 50);
  assert.equal(waitFor(1000), 1000);
});

Deno.test("SendRate: whatever is spent when, over time it keeps to the rate", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 1_000_000 }),
      fc.array(fc.record({ wait: fc.nat(200), messages: fc.nat(50) }), { maxLength: 60 }),
      (bytesPerSecond, steps) => {
        const clock = new FakeClock();
        const rate = new SendRate(clock);
        rate.limit(bytesPerSecond);
        let sent = 0;
        for (const { wait, messages } of steps) {
          clock.advance(wait);
          for (let left = messages; left > 0 && rate.isOpen; left--) {
            rate.spend(498);
            sent += 498;
          }
          const allowed = bytesPerSecond + clock.monotonic() * bytesPerSecond / 1000;
          assert.ok(sent < allowed + 498, `${sent} sent where ${allowed} may be`);
        }
      },
    ),
    { seed: 1 },
  );
});
