import assert from "node:assert/strict";
import { retryDelay } from "../../src/guard/retry_schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

for (
  const [failingFor, primary, other] of [
    [0, 10 * MINUTE, HOUR],
    [6 * HOUR, 10 * MINUTE, HOUR],
    [6 * HOUR + 1, 90 * MINUTE, 4 * HOUR],
    [4 * DAY, 90 * MINUTE, 4 * HOUR],
    [4 * DAY + 1, 4 * HOUR, 18 * HOUR],
    [7 * DAY, 4 * HOUR, 18 * HOUR],
    [7 * DAY + 1, 9 * HOUR, 36 * HOUR],
    [1000 * DAY, 9 * HOUR, 36 * HOUR],
  ]
) {
  Deno.test(`a guard failing for ${failingFor} ms is tried again in time`, () => {
    assert.equal(retryDelay(failingFor, true), primary);
    assert.equal(retryDelay(failingFor, false), other);
  });
}
