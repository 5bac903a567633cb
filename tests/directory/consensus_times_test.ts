import assert from "node:assert/strict";
import fc from "fast-check";
import {
  clockSkewAdvice,
  consensusFetchTime,
  describeDuration,
  liveness,
  skewAdvice,
  validityAdvice,
} from "../../src/directory/consensus_times.ts";
import { SystemRandom } from "../../src/runtime/random.ts";

const random = new SystemRandom();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const validAfter = Date.UTC(2024, 4, 17, 12);
const times = { validAfter, freshUntil: validAfter + HOUR, validUntil: validAfter + 3 * HOUR };

Deno.test("a consensus is live while valid, and usable for a day on either side", () => {
  assert.equal(liveness(times, validAfter), "live");
  assert.equal(liveness(times, times.validUntil), "live");
  assert.equal(liveness(times, validAfter - 1), "reasonable");
  assert.equal(liveness(times, validAfter - 24 * HOUR), "reasonable");
  assert.equal(liveness(times, validAfter - 24 * HOUR - 1), "future");
  assert.equal(liveness(times, times.validUntil + 1), "reasonable");
  assert.equal(liveness(times, times.validUntil + 24 * HOUR), "reasonable");
  assert.equal(liveness(times, times.validUntil + 24 * HOUR + 1), "expired");
});

Deno.test("a clock that is behind is said so, in words", () => {
  assert.equal(clockSkewAdvice(times, validAfter), undefined);
  assert.equal(clockSkewAdvice(times, validAfter - 6 * MINUTE), undefined);
  assert.equal(clockSkewAdvice(times, times.validUntil + 48 * HOUR), undefined);
  assert.match(
    clockSkewAdvice(times, validAfter - 50 * HOUR) ?? "",
    /^Our clock is 2 days, 2 hours behind .* \(2024-05-17 12:00:00 UTC\)\. Check/,
  );
});

Deno.test("a stale consensus and a wrong clock are told apart, in words", () => {
  const { validUntil } = times;
  const later = validUntil + 2 * HOUR;
  assert.equal(validityAdvice(times, validUntil, undefined), undefined);
  assert.equal(validityAdvice(times, validAfter - MINUTE, undefined), undefined);
  assert.match(validityAdvice(times, validAfter - 3 * HOUR, undefined) ?? "", /^Our clock is 3 h/);
  assert.equal(
    validityAdvice(times, later, { skew: 1000, clocks: 3 }),
    "The consensus expired 2 hours ago by our clock (at 2024-05-17 15:00:00 UTC). Our clock agrees " +
      "with those of 3 servers, so the consensus is old, and no newer one could be fetched yet.",
  );
  assert.equal(
    validityAdvice(times, later, { skew: -3 * HOUR, clocks: 2 }),
    "The consensus expired 2 hours ago by our clock (at 2024-05-17 15:00:00 UTC). Our clock is " +
      "3 hours ahead of those of 2 servers. Check this machine's date, time and time zone. " +
      "By their time the consensus is still valid.",
  );
  assert.equal(
    validityAdvice(times, later, { skew: -HOUR, clocks: 1 }),
    "The consensus expired 2 hours ago by our clock (at 2024-05-17 15:00:00 UTC). Our clock is " +
      "1 hour ahead of that of a directory server. Check this machine's date, time and time zone.",
  );
  assert.equal(
    validityAdvice(times, later, undefined),
    "The consensus expired 2 hours ago by our clock (at 2024-05-17 15:00:00 UTC). Either our clock " +
      "is ahead, or no newer one could be fetched yet. If it goes on, check this machine's date, " +
      "time and time zone.",
  );
});

Deno.test("a clock that others contradict is said so from half an hour on", () => {
  assert.equal(skewAdvice({ skew: 29 * MINUTE, clocks: 3 }), undefined);
  assert.equal(
    skewAdvice({ skew: 30 * MINUTE, clocks: 3 }),
    "Our clock is 30 minutes behind those of 3 servers. " +
      "Check this machine's date, time and time zone.",
  );
});

Deno.test("durations are described by their two largest units", () => {
  assert.equal(describeDuration(0), "0 seconds");
  assert.equal(describeDuration(-1000), "1 second");
  assert.equal(describeDuration(90_000), "1 minute, 30 seconds");
  assert.equal(describeDuration(2 * HOUR), "2 hours");
  assert.equal(describeDuration(26 * HOUR + 5 * MINUTE), "1 day, 2 hours");
});

Deno.test("the next consensus is fetched between 1 3/4 hours and 2 h 51 min after valid-after", () => {
  const fetched = Array.from({ length: 500 }, () => consensusFetchTime(times, random) - validAfter);
  const first = 1.75 * HOUR;
  const last = first + 1.25 * HOUR * 7 / 8;
  assert.ok(fetched.every((time) => time >= first && time < last));
  assert.ok(Math.min(...fetched) < first + 0.1 * HOUR);
  assert.ok(Math.max(...fetched) > last - 0.1 * HOUR);
});

Deno.test("whatever the voting interval, the fetch is after valid-after and before valid-until", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 5, max: 86_400 }),
      fc.integer({ min: 5, max: 86_400 }),
      (fresh, stale) => {
        const short = {
          validAfter: 0,
          freshUntil: fresh * 1000,
          validUntil: (fresh + stale) * 1000,
        };
        const time = consensusFetchTime(short, random);
        assert.ok(time > 0 && time < short.validUntil, `${time}`);
      },
    ),
    { seed: 1 },
  );
});
