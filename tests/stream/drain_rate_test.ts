import assert from "node:assert/strict";
import { streamFlowControlParameters } from "../../src/circuit/stream_flow_control_parameters.ts";
import { DrainRate } from "../../src/stream/drain_rate.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const XON_RATE = 500 * 498;

function drainRate(parameters: Readonly<Record<string, number>> = {}) {
  const clock = new FakeClock();
  const source = {
    parameter: (name: string, bounds: { default: number }) => parameters[name] ?? bounds.default,
  };
  return { clock, rate: new DrainRate(streamFlowControlParameters(source), clock) };
}

/** Lets data wait, and then has more than cc_xon_rate drained in so many ms. */
function measure({ clock, rate }: ReturnType<typeof drainRate>, ms: number, drained = 300_000) {
  rate.count(0, 1);
  clock.advance(ms);
  rate.count(drained, 1);
}

Deno.test("DrainRate: bytes for each millisecond, once more than cc_xon_rate was drained", () => {
  const test = drainRate();
  const { clock, rate } = test;
  rate.count(0, 100_000);
  clock.advance(1000);
  rate.count(XON_RATE, 100_000);
  assert.equal(rate.tell(), 0);
  clock.advance(500);
  rate.count(51_000, 100_000);
  assert.equal(rate.tell(), 200);
});

Deno.test("DrainRate: what was drained before anything waited is no part of it", () => {
  const { clock, rate } = drainRate();
  rate.count(10_000_000, 0);
  rate.rest();
  clock.advance(1);
  rate.count(10_000_000, 5);
  clock.advance(1000);
  rate.count(XON_RATE + 1, 5);
  assert.equal(rate.tell(), 249);
});

Deno.test("DrainRate: time in which nothing waits is no part of it", () => {
  const test = drainRate();
  const { clock, rate } = test;
  rate.count(0, 1);
  rate.rest();
  clock.advance(1_000_000);
  measure(test, 1000);
  assert.equal(rate.tell(), 300);
});

Deno.test("DrainRate: never 0 once measured, and bounded", () => {
  const slow = drainRate();
  measure(slow, 1e9);
  assert.equal(slow.rate.tell(), 1);
  const fast = drainRate();
  measure(fast, 1, 1e12);
  assert.equal(fast.rate.tell(), 2 ** 31 - 1);
  const none = drainRate();
  measure(none, 0);
  assert.equal(none.rate.tell(), 0);
});

Deno.test("DrainRate: an average of cc_xon_ewma_cnt, which XOFF forgets", () => {
  const test = drainRate({ cc_xon_ewma_cnt: 4 });
  measure(test, 1000, 300_000);
  measure(test, 1000, 800_000);
  // (2 * 800 + 3 * 300) / 5
  assert.equal(test.rate.tell(), 500);
  test.rate.reset();
  measure(test, 1000, 900_000);
  assert.equal(test.rate.tell(), 900);
});

Deno.test("DrainRate: a change beyond cc_xon_change_pct, of what was told", () => {
  const after = (drained: number) => {
    const test = drainRate({ cc_xon_ewma_cnt: 2 });
    measure(test, 1000, 400_000);
    assert.equal(test.rate.hasChanged, false);
    test.rate.tell();
    assert.equal(test.rate.hasChanged, false);
    // The average is (2 * rate + 400) / 3.
    measure(test, 1000, drained);
    return test.rate.hasChanged;
  };
  assert.equal(after(550_000), false);
  assert.equal(after(552_000), true);
  // 75 % of 400 is 300, which takes a rate of 250.
  assert.equal(after(250_000), false);
  const slower = drainRate();
  measure(slower, 1000, 800_000);
  slower.rate.tell();
  measure(slower, 1000, 300_000);
  assert.equal(slower.rate.hasChanged, true);
});

Deno.test("DrainRate: doubles what was told for each cc_xon_rate that never waited", () => {
  const test = drainRate();
  const { rate } = test;
  measure(test, 1000);
  rate.rest();
  // Nothing was told: nothing to double.
  rate.count(XON_RATE, 0);
  rate.rest();
  assert.equal(rate.tell(), 300);
  rate.rest();
  assert.equal(rate.hasChanged, true);
  assert.equal(rate.tell(), 600);
  rate.count(XON_RATE - 1, 0);
  rate.rest();
  assert.equal(rate.hasChanged, false);
  rate.count(1, 0);
  rate.rest();
  assert.equal(rate.tell(), 1200);
});

Deno.test("DrainRate: doubles too when something waits now and then, and is caught up with", () => {
  const test = drainRate();
  const { rate } = test;
  measure(test, 1000);
  rate.rest();
  assert.equal(rate.tell(), 300);
  for (let left = XON_RATE; left > 0; left -= 1000) {
    rate.count(500, 100);
    rate.count(500, 0);
    rate.rest();
  }
  assert.equal(rate.tell(), 600);
});
