import assert from "node:assert/strict";
import { parseRsaIdentity, type RsaIdentity } from "../../src/crypto/identity.ts";
import { ClockSkews } from "../../src/directory/clock_skews.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function identity(number: number): RsaIdentity {
  const parsed = parseRsaIdentity(number.toString(16).padStart(40, "0"));
  assert.ok(parsed);
  return parsed;
}

/** What is estimated after servers told these skews, in the order of their numbers. */
function estimate(skews: readonly number[], others: readonly number[] = []) {
  const clocks = new ClockSkews(new FakeClock(), () => others);
  skews.forEach((skew, index) => clocks.note(identity(index), skew, false));
  return clocks.estimate();
}

Deno.test("one server's time is no evidence; that of two which agree is", () => {
  assert.equal(estimate([]), undefined);
  assert.equal(estimate([3 * HOUR]), undefined);
  assert.deepEqual(estimate([3 * HOUR, 3 * HOUR + MINUTE]), {
    skew: 3 * HOUR + MINUTE,
    clocks: 2,
  });
  assert.deepEqual(estimate([-HOUR], [-HOUR]), { skew: -HOUR, clocks: 2 });
  assert.deepEqual(estimate([], [0, 1000, 2000]), { skew: 1000, clocks: 3 });
});

Deno.test("servers that disagree prove nothing, unless most of them agree", () => {
  assert.equal(estimate([0, 3 * HOUR]), undefined);
  assert.equal(estimate([-9 * HOUR, 0, 3 * HOUR]), undefined);
  assert.deepEqual(estimate([0, 1000, 900 * HOUR]), { skew: 1000, clocks: 2 });
});

Deno.test("a server counts once, with what it said last", () => {
  const clocks = new ClockSkews(new FakeClock(), () => []);
  for (let time = 0; time < 5; time++) clocks.note(identity(1), HOUR, false);
  assert.equal(clocks.estimate(), undefined);
  clocks.note(identity(2), 0, false);
  clocks.note(identity(1), 0, false);
  assert.deepEqual(clocks.estimate(), { skew: 0, clocks: 2 });
});

Deno.test("an authority is believed alone, and before all others", () => {
  const clocks = new ClockSkews(new FakeClock(), () => [HOUR, HOUR, HOUR]);
  assert.equal(clocks.estimate()?.skew, HOUR);
  clocks.note(identity(1), 0, true);
  assert.deepEqual(clocks.estimate(), { skew: 0, clocks: 1 });
});

Deno.test("only the last 16 servers are remembered", () => {
  const clocks = new ClockSkews(new FakeClock(), () => []);
  for (let index = 0; index < 20; index++) {
    clocks.note(identity(index), index < 4 ? HOUR : 0, false);
  }
  assert.deepEqual(clocks.estimate(), { skew: 0, clocks: 16 });
});

Deno.test("when our clock is set, what was learnt before counts no more", () => {
  let now = 10 * HOUR;
  let monotonic = 0;
  const clock = new FakeClock();
  const settable = {
    now: () => now,
    monotonic: () => monotonic,
    setTimer: clock.setTimer.bind(clock),
  };
  const clocks = new ClockSkews(settable, () => []);
  clocks.note(identity(1), 3 * HOUR, false);
  clocks.note(identity(2), 3 * HOUR, false);
  now += HOUR;
  monotonic += HOUR;
  assert.deepEqual(clocks.estimate(), { skew: 3 * HOUR, clocks: 2 });
  now += 3 * HOUR;
  assert.equal(clocks.estimate(), undefined);
});
