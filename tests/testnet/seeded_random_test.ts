import assert from "node:assert/strict";
import { randomBytes } from "../../src/runtime/random.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

Deno.test("the same seed gives the same bytes, however they are drawn", () => {
  const whole = randomBytes(new SeededRandom("seed"), 1000);
  const random = new SeededRandom("seed");
  const pieces = [1, 31, 32, 33, 0, 403, 500].flatMap((length) => [
    ...randomBytes(random, length),
  ]);
  assert.deepEqual(pieces, [...whole]);
  assert.notDeepEqual(randomBytes(new SeededRandom("other seed"), 1000), whole);
});

Deno.test("a fork does not depend on what was drawn before, and has bytes of its own", () => {
  const random = new SeededRandom(1);
  const early = randomBytes(random.fork("guard0"), 32);
  randomBytes(random, 100);
  assert.deepEqual(randomBytes(random.fork("guard0"), 32), early);
  assert.notDeepEqual(randomBytes(random.fork("guard1"), 32), early);
});
