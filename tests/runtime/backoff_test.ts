import assert from "node:assert/strict";
import fc from "fast-check";
import { Backoff, backoffDelay, DEFAULT_BACKOFF } from "../../src/runtime/backoff.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

Deno.test("without jitter each delay is the multiple of the one before, up to the longest", () => {
  const options = { ...DEFAULT_BACKOFF, jitter: 0 };
  const random = new SeededRandom(1);
  const delays = [0, 1, 2, 3, 4, 5, 6, 1000].map((n) => backoffDelay(options, n, random));
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

Deno.test("a delay stays within the jitter, and fills it", () => {
  fc.assert(
    fc.property(
      fc.record({
        initial: fc.integer({ min: 1, max: 60_000 }),
        multiplier: fc.double({ min: 1, max: 10, noNaN: true }),
        longest: fc.integer({ min: 1, max: 3_600_000 }),
        jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      fc.nat(2000),
      fc.integer(),
      (options, failures, seed) => {
        const delay = backoffDelay(options, failures, new SeededRandom(seed));
        const middle = Math.min(options.initial * options.multiplier ** failures, options.longest);
        assert.ok(delay >= middle * (1 - options.jitter) - 1e-6);
        assert.ok(delay <= middle * (1 + options.jitter) + 1e-6);
      },
    ),
    { seed: 1 },
  );
  const random = new SeededRandom(2);
  const delays = Array.from({ length: 1000 }, () => backoffDelay(DEFAULT_BACKOFF, 0, random));
  assert.ok(Math.min(...delays) < 760 && Math.max(...delays) > 1240);
});

Deno.test("a backoff counts failures until something succeeds", () => {
  const backoff = new Backoff({ ...DEFAULT_BACKOFF, jitter: 0 }, new SeededRandom(1));
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [1000, 2000, 4000]);
  assert.equal(backoff.failures, 3);
  backoff.reset();
  assert.equal(backoff.failures, 0);
  assert.equal(backoff.next(), 1000);
});
