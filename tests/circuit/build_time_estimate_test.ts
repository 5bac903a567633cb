import assert from "node:assert/strict";
import fc from "fast-check";
import {
  estimateBuildTimes,
  estimatePareto,
  estimateXm,
  histogramOf,
  LONGEST_TIME,
  paretoQuantile,
} from "../../src/circuit/build_time_estimate.ts";
import { buildTimeParameters } from "../../src/circuit/build_time_parameters.ts";

const DEFAULTS = buildTimeParameters();

/** The values of C tor's own test (test_circuit_timeout_xm_alpha): 10 of each of these and up. */
const C_TOR_TIMES = [100, 20, 1000, 500, 200, 5000, 30, 600, 200, 300]
  .flatMap((start) => Array.from({ length: 10 }, (_, more) => start + more));

/** A sample that lies exactly on a Pareto distribution: its quantiles at equal distances. */
function paretoSample(xm: number, alpha: number, size: number): number[] {
  return Array.from(
    { length: size },
    (_, index) => Math.round(xm * (1 - (index + 0.5) / size) ** (-1 / alpha)),
  );
}

/** The part of a Pareto distribution below `x`. */
const below = (xm: number, alpha: number, x: number) => 1 - (xm / x) ** alpha;

const near = (actual: number, expected: number, within: number) =>
  assert.ok(Math.abs(actual - expected) < within, `${actual} is not ${expected} +- ${within}`);

const manyTimes = fc.array(fc.integer({ min: 1, max: 200_000 }), {
  minLength: 1,
  maxLength: 1000,
  size: "max",
});

Deno.test("histogramOf: bins of 10 ms, known by their middle", () => {
  assert.deepEqual(
    histogramOf([1, 9, 10, 19, 10, 99_999]),
    new Map([[5, 2], [15, 3], [99_995, 1]]),
  );
});

Deno.test("estimatePareto: C tor's test vectors", () => {
  for (
    const [modes, xm, alpha] of [
      [1, 205, 1.394401],
      [3, 117, 0.902313],
      [5, 146, 1.049032],
      [10, 800, 4.851754],
      [15, 800, 4.851754],
      [20, 800, 4.851754],
    ]
  ) {
    const pareto = estimatePareto(C_TOR_TIMES, modes);
    assert.equal(pareto.xm, xm);
    near(pareto.alpha, alpha, 0.00001);
  }
});

Deno.test("estimateXm: of bins with equally many times the earlier ones count", () => {
  assert.equal(estimateXm([101, 52, 203], 1), 55);
  // (55 + 105) / 2
  assert.equal(estimateXm([101, 52, 203], 2), 80);
  // The fullest bin comes first all the same: (2 * 205 + 55) / 3
  assert.equal(estimateXm([101, 52, 203, 209], 2), 155);
});

Deno.test("estimatePareto: comes close to the distribution that a sample is made of", () => {
  for (const [xm, alpha] of [[500, 3], [800, 1.5], [300, 5], [1200, 2]]) {
    // With one mode Xm is the middle of one of the first bins; the mean of ln(max(x, Xm) / Xm)
    // is then (xm / Xm) ** alpha / alpha.
    const sharp = estimatePareto(paretoSample(xm, alpha, 1000), 1);
    near(sharp.xm, xm + 5, 15);
    near(sharp.alpha, alpha * (sharp.xm / xm) ** alpha, alpha * 0.02);
    const { timeout } = estimateBuildTimes(paretoSample(xm, alpha, 1000), DEFAULTS);
    near(below(xm, alpha, timeout), 0.8, 0.05);
  }
});

Deno.test("paretoQuantile: the inverse of the distribution function", () => {
  // 1000 / (1 - 0.75) ** (1 / 2)
  assert.equal(paretoQuantile({ xm: 1000, alpha: 2 }, 0.75), 2000);
  assert.equal(paretoQuantile({ xm: 1000, alpha: 2 }, 0), 1000);
  // C tor's test: Xm 3 s and 30 s at the quantile 0.8.
  const alpha = Math.log(0.2) / (Math.log(3000) - Math.log(30_000));
  near(paretoQuantile({ xm: 3000, alpha }, 0.8), 30_000, 0.001);
});

Deno.test("paretoQuantile: the extremes of alpha stay in bounds", () => {
  assert.equal(paretoQuantile({ xm: 3000, alpha: Infinity }, 0.99), 3000);
  assert.equal(paretoQuantile({ xm: 3000, alpha: Number.MIN_VALUE }, 0.1), LONGEST_TIME);
  assert.equal(paretoQuantile({ xm: 3000, alpha: 0.01 }, 0.99), LONGEST_TIME);
});

Deno.test("paretoQuantile: grows with the quantile", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 5, max: 100_000 }),
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (xm, alpha, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        const pareto = { xm, alpha };
        assert.ok(paretoQuantile(pareto, low) <= paretoQuantile(pareto, high));
        assert.ok(paretoQuantile(pareto, low) >= xm);
      },
    ),
    { seed: 1 },
  );
});

Deno.test("estimateBuildTimes: times that are all alike", () => {
  const estimate = estimateBuildTimes(new Array(100).fill(1000), DEFAULTS);
  // The middle of their bin; no time is above it, and none longer was seen.
  assert.deepEqual(estimate, { xm: 1005, alpha: Infinity, timeout: 1000, closeTimeout: 60_000 });
});

Deno.test("estimateBuildTimes: capped by the longest time that was seen, and by the initial timeout", () => {
  const flat = [1000, ...new Array(99).fill(5)];
  // Xm is (99 * 5 + 1005) / 100, alpha 100 / ln(1000 / Xm): both quantiles are near Xm.
  near(estimateBuildTimes(flat, DEFAULTS).timeout, 15 * 5 ** (Math.log(1000 / 15) / 100), 0.001);
  assert.equal(estimateBuildTimes(flat, DEFAULTS).closeTimeout, 60_000);
  // Some times at Xm 5 ms, most at about 100 s: the curve goes on far beyond what was seen.
  const steep = [
    ...new Array(20).fill(5),
    ...Array.from({ length: 80 }, (_, n) => 100_000 - n * 9),
  ];
  const capped = estimateBuildTimes(steep, { ...DEFAULTS, modes: 1 });
  assert.equal(capped.timeout, 100_000);
  assert.equal(capped.closeTimeout, 200_000);
  const raised = estimateBuildTimes(flat, { ...DEFAULTS, minTimeout: 2000 });
  assert.equal(raised.timeout, 2000);
});

Deno.test("estimateBuildTimes: any times give timeouts within all bounds", () => {
  fc.assert(
    fc.property(
      manyTimes,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 10, max: 99 }),
      fc.integer({ min: 10, max: 5000 }),
      (times, modes, quantile, minTimeout) => {
        const parameters = { ...DEFAULTS, modes, quantile: quantile / 100, minTimeout };
        const { xm, alpha, timeout, closeTimeout } = estimateBuildTimes(times, parameters);
        const longest = Math.max(...times);
        assert.ok(Number.isInteger(xm) && xm >= 5 && xm < longest + 10);
        assert.ok(alpha > 0);
        assert.ok(timeout >= minTimeout && timeout <= Math.max(longest, minTimeout));
        assert.ok(closeTimeout >= timeout && closeTimeout >= DEFAULTS.initialTimeout);
        assert.ok(closeTimeout <= Math.max(2 * longest, DEFAULTS.initialTimeout));
      },
    ),
    { seed: 1 },
  );
});

Deno.test("estimateBuildTimes: the timeout grows with the quantile, and no order of times matters", () => {
  fc.assert(
    fc.property(
      manyTimes,
      fc.integer({ min: 10, max: 99 }),
      fc.integer({ min: 10, max: 99 }),
      (times, one, other) => {
        const at = (percent: number, of = times) =>
          estimateBuildTimes(of, { ...DEFAULTS, quantile: percent / 100 }).timeout;
        assert.ok(at(Math.min(one, other)) <= at(Math.max(one, other)));
        near(at(one, times.toReversed()), at(one), 0.001);
      },
    ),
    { seed: 1, numRuns: 50 },
  );
});
