import assert from "node:assert/strict";
import { Backoff } from "../../src/directory/backoff.ts";
import { SystemRandom } from "../../src/runtime/random.ts";

const random = new SystemRandom();
const HOUR = 60 * 60 * 1000;

Deno.test("delays grow at random within their bounds, and begin again when told to", () => {
  for (let run = 0; run < 200; run++) {
    const backoff = new Backoff(random, 0);
    let before = 0;
    for (let count = 1; count <= 20; count++) {
      const delay = backoff.next();
      assert.equal(backoff.count, count);
      assert.ok(delay >= 1000 && delay <= HOUR, `${delay}`);
      assert.ok(delay < Math.max(3 * before, 2000), `${delay} after ${before}`);
      before = delay;
    }
    backoff.reset();
    assert.equal(backoff.count, 0);
    assert.ok(backoff.next() < 2000);
  }
});

Deno.test("delays are long after many failures", () => {
  const late = Array.from({ length: 50 }, () => {
    const backoff = new Backoff(random, 1000);
    for (let count = 0; count < 30; count++) backoff.next();
    return backoff.next();
  });
  assert.ok(late.filter((delay) => delay > 60_000).length > 25);
});

Deno.test("no delay is shorter than the base", () => {
  const backoff = new Backoff(random, 6000);
  for (let count = 0; count < 100; count++) assert.ok(backoff.next() >= 6000);
});
