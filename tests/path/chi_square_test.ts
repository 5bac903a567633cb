import assert from "node:assert/strict";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { randomBelow } from "../../src/runtime/random.ts";
import { criticalValue, goodnessOfFit } from "./chi_square.ts";

for (
  const [degrees, value] of [[10, 29.588], [30, 59.703], [100, 149.449], [1000, 1143.917]] as const
) {
  Deno.test(`the critical value for ${degrees} degrees of freedom is ${value}`, () => {
    assert.ok(Math.abs(criticalValue(degrees) / value - 1) < 0.007, `${criticalValue(degrees)}`);
  });
}

Deno.test("the statistic is the sum of squared differences over what was expected", () => {
  const { statistic, degreesOfFreedom } = goodnessOfFit([12, 18, 30], [10, 20, 30]);
  assert.equal(statistic, 4 / 10 + 4 / 20);
  assert.equal(degreesOfFreedom, 2);
});

Deno.test("items of which few are expected share a bin, and the rest joins the last one", () => {
  const { statistic, degreesOfFreedom } = goodnessOfFit([3, 4, 10, 1, 2], [3, 3, 10, 2, 2]);
  assert.equal(degreesOfFreedom, 1);
  assert.equal(statistic, 0);
});

Deno.test("larger bins can be asked for", () => {
  const observed = [6, 5, 7, 6, 5, 7];
  const expected = [6, 6, 6, 6, 6, 6];
  assert.equal(goodnessOfFit(observed, expected).degreesOfFreedom, 5);
  const coarse = goodnessOfFit(observed, expected, 18);
  assert.deepEqual([coarse.statistic, coarse.degreesOfFreedom], [0, 1]);
});

Deno.test("fair draws exceed the critical value about once in a thousand times", () => {
  const random = new SeededRandom(1);
  let exceeded = 0;
  for (let round = 0; round < 1000; round++) {
    const counts = new Array<number>(20).fill(0);
    for (let draw = 0; draw < 200; draw++) counts[randomBelow(random, 20)]++;
    const { statistic, critical } = goodnessOfFit(counts, counts.map(() => 10));
    if (statistic > critical) exceeded++;
  }
  assert.ok(exceeded <= 5, `${exceeded} times`);
});
