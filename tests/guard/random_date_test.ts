import assert from "node:assert/strict";
import fc from "fast-check";
import { randomPastDate, startOfDay } from "../../src/guard/random_date.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

Deno.test("a random date is a whole second of the interval before now", () => {
  const time = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2100, 0) });
  fc.assert(
    fc.property(fc.integer(), time, fc.integer({ min: 1000, max: 10 ** 10 }), (seed, now, span) => {
      const date = randomPastDate(new SeededRandom(seed), now, span);
      assert.equal(date % 1000, 0);
      assert.ok(now - span - 1000 <= date && date < now);
    }),
    { seed: 1 },
  );
});

Deno.test("random dates are spread over the whole interval", () => {
  const random = new SeededRandom(1);
  const now = Date.UTC(2026, 0, 10);
  const dates = Array.from({ length: 1000 }, () => randomPastDate(random, now, 10_000));
  assert.deepEqual(
    [...new Set(dates.map((date) => (now - date) / 1000))].sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
});

Deno.test("a date is never before 1970", () => {
  assert.equal(randomPastDate(new SeededRandom(1), 5000, 10 ** 12), 1000);
});

Deno.test("a day begins at midnight UTC", () => {
  assert.equal(startOfDay(Date.UTC(2026, 10, 23, 23, 59, 59, 999)), Date.UTC(2026, 10, 23));
  assert.equal(startOfDay(Date.UTC(2026, 10, 23)), Date.UTC(2026, 10, 23));
});
