import assert from "node:assert/strict";
import { RetryPause } from "../../src/circuit/retry_pause.ts";
import type { BackoffOptions } from "../../src/runtime/backoff.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const FAILURE = new Error("the test let it fail");

function setUp(options: Partial<BackoffOptions> = {}) {
  const clock = new FakeClock();
  const ends: number[] = [];
  const pause = new RetryPause(
    { clock, random: new SeededRandom(1), network: new SystemNetwork() },
    { initial: 1000, multiplier: 2, longest: 30_000, jitter: 0, ...options },
    () => ends.push(clock.monotonic()),
  );
  const fail = (times = 1, isWaitedFor = false) => {
    for (let count = 0; count < times; count++) pause.noteFailure(FAILURE, 0, isWaitedFor);
  };
  return { clock, ends, pause, fail };
}

Deno.test("RetryPause: three failures cost nothing, the fourth begins a pause", () => {
  const { clock, ends, pause, fail } = setUp();
  fail(3);
  assert.deepEqual([pause.isOn, pause.failures, clock.pendingTimers], [false, 0, 0]);
  fail();
  assert.deepEqual([pause.isOn, pause.failures], [true, 1]);
  clock.advance(999);
  assert.deepEqual([pause.isOn, ends], [true, []]);
  clock.advance(1);
  assert.deepEqual([pause.isOn, ends], [false, [1000]]);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("RetryPause: each further failure makes a longer one, up to the longest", () => {
  const { clock, ends, fail } = setUp();
  fail(3);
  const lengths: number[] = [];
  for (let round = 0; round < 8; round++) {
    const before = clock.monotonic();
    fail();
    clock.advance(60_000);
    lengths.push((ends.at(-1) ?? NaN) - before);
  }
  assert.deepEqual(lengths, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

Deno.test("RetryPause: the jitter of the backoff is obeyed", () => {
  const { clock, ends, fail } = setUp({ jitter: 0.25 });
  fail(3);
  const lengths = new Set<number>();
  for (let round = 0; round < 20; round++) {
    const before = clock.monotonic();
    fail();
    clock.advance(60_000);
    if (round >= 5) lengths.add((ends.at(-1) ?? NaN) - before);
  }
  assert.equal(lengths.size, 15);
  for (const length of lengths) assert.ok(length >= 22_500 && length <= 37_500, `${length}`);
});

Deno.test("RetryPause: failures during a pause are of the same burst and change nothing", () => {
  const { clock, ends, pause, fail } = setUp();
  fail(30);
  assert.equal(pause.failures, 1);
  clock.advance(500);
  fail(30, true);
  assert.equal(pause.failures, 1);
  clock.advance(500);
  assert.deepEqual(ends, [1000]);
  fail();
  clock.advance(2000);
  assert.deepEqual(ends, [1000, 3000]);
});

/** Fails until the pause that has just begun takes 30 s, at time `began`. */
function inLongPause(isWaitedFor = false) {
  const test = setUp();
  test.fail(3);
  for (let round = 0; round < 5; round++) {
    test.fail();
    test.clock.advance(60_000);
  }
  test.ends.splice(0);
  test.fail(1, isWaitedFor);
  return { ...test, began: test.clock.monotonic() };
}

Deno.test("RetryPause: 8 s are the most while streams wait", () => {
  const { clock, ends, began } = inLongPause(true);
  clock.advance(60_000);
  assert.deepEqual(ends, [began + 8000]);
});

Deno.test("RetryPause: a stream that comes later shortens the pause to 8 s in all", () => {
  const early = inLongPause();
  early.clock.advance(3000);
  early.pause.hurry(false);
  early.pause.hurry(false);
  assert.equal(early.clock.pendingTimers, 1);
  early.clock.advance(4999);
  assert.deepEqual(early.ends, []);
  early.clock.advance(1);
  assert.deepEqual(early.ends, [early.began + 8000]);

  // One that comes when 8 s are over waits no longer.
  const late = inLongPause();
  late.clock.advance(20_000);
  late.pause.hurry(false);
  late.clock.advance(0);
  assert.deepEqual([late.ends, late.pause.isOn], [[late.began + 20_000], false]);
});

Deno.test("RetryPause: hurrying where there is no pause, or a short one, does nothing", () => {
  const { clock, ends, pause, fail } = setUp();
  pause.hurry(false);
  assert.equal(clock.pendingTimers, 0);
  fail(4);
  pause.hurry(false);
  clock.advance(1000);
  assert.deepEqual(ends, [1000]);
});

Deno.test("RetryPause: reset ends the pause without a call, and forgets all failures", () => {
  const { clock, ends, pause, fail } = inLongPause();
  pause.reset();
  assert.deepEqual([pause.isOn, pause.failures, clock.pendingTimers], [false, 0, 0]);
  clock.advance(60_000);
  assert.deepEqual(ends, []);
  const before = clock.monotonic();
  fail(3);
  assert.equal(pause.isOn, false);
  fail();
  clock.advance(1000);
  assert.deepEqual(ends, [before + 1000]);
});

Deno.test("RetryPause: a failure that took its time has waited already", () => {
  const { clock, ends, pause, fail } = setUp();
  fail(4);
  clock.advance(1000);
  pause.noteFailure(FAILURE, 1500, false);
  clock.advance(499);
  assert.equal(pause.isOn, true);
  clock.advance(1);
  assert.deepEqual([pause.isOn, ends], [false, [1000, 1500]]);
  pause.noteFailure(FAILURE, 60_000, false);
  assert.deepEqual([pause.isOn, pause.failures, clock.pendingTimers], [false, 3, 0]);
});

Deno.test("RetryPause: after ten pauses streams hurry none any more", () => {
  const { clock, ends, pause, fail } = setUp();
  fail(3);
  const lengths: number[] = [];
  for (let round = 0; round < 12; round++) {
    const before = clock.monotonic();
    fail(1, true);
    pause.hurry(false);
    clock.advance(60_000);
    lengths.push((ends.at(-1) ?? NaN) - before);
  }
  assert.deepEqual(lengths, [1000, 2000, 4000, ...Array(7).fill(8000), 30_000, 30_000]);
  pause.reset();
  fail(9, true);
  assert.equal(pause.failures, 1);
});

Deno.test("RetryPause: who comes back after a long time hurries the pause all the same", () => {
  const { clock, ends, pause, fail } = setUp();
  fail(3);
  for (let round = 0; round < 20; round++) {
    fail();
    clock.advance(60_000);
  }
  fail();
  clock.advance(3000);
  pause.hurry(true);
  clock.advance(4999);
  assert.equal(ends.length, 20);
  clock.advance(1);
  assert.equal(ends.length, 21);
});
