import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenBucket } from "../../src/runtime/token_bucket.ts";

Deno.test("a full bucket gives its burst at once; a debt is paid off at the rate", () => {
  const bucket = new TokenBucket({ rate: 1000, burst: 5000 }, 0);
  bucket.take(5000, 0);
  assert.equal(bucket.wait(0), 0);
  bucket.take(1500, 0);
  assert.equal(bucket.wait(0), 1500);
  assert.equal(bucket.wait(1000), 500);
  assert.equal(bucket.wait(1500), 0);
  bucket.take(1, 1500);
  assert.equal(bucket.wait(1500), 1);
});

Deno.test("an idle bucket fills up to its burst and not beyond", () => {
  const bucket = new TokenBucket({ rate: 1000, burst: 2000 }, 0);
  bucket.take(2000, 0);
  bucket.take(2500, 1_000_000);
  assert.equal(bucket.wait(1_000_000), 500);
});

Deno.test("time that stands still or runs backwards gives nothing", () => {
  const bucket = new TokenBucket({ rate: 1000, burst: 1000 }, 5000);
  bucket.take(2000, 5000);
  assert.equal(bucket.wait(4000), 1000);
  assert.equal(bucket.wait(5000), 0);
});

Deno.test("whatever is taken when: never more than the burst and what came in the time", () => {
  const takings = fc.array(fc.record({ pause: fc.nat(500), count: fc.nat(4000) }), {
    minLength: 1,
    maxLength: 50,
  });
  fc.assert(
    fc.property(takings, (list) => {
      const bucket = new TokenBucket({ rate: 2000, burst: 3000 }, 0);
      let now = 0;
      let taken = 0;
      for (const { pause, count } of list) {
        now += pause + bucket.wait(now + pause);
        // What goes on credit is at most the last taking.
        assert.ok(taken <= 3000 + now * 2 + 1, `${taken} by ${now}`);
        bucket.take(count, now);
        taken += count;
      }
    }),
    { seed: 1 },
  );
});
