import assert from "node:assert/strict";
import fc from "fast-check";
import { congestionControlParameters } from "../../src/circuit/congestion_control_parameters.ts";
import { ClockCheck, RoundTripTime } from "../../src/circuit/round_trip_time.ts";

const PARAMETERS = congestionControlParameters("exit");

/** A window in slow start, where nothing but the times matters. */
const SLOW_START = { cwnd: 200, inSlowStart: true, updateRate: 1 };

Deno.test("ClockCheck: C tor's vectors of clocks that stand still or jump", () => {
  const clock = new ClockCheck();
  const vectors: [average: number, time: number, ss: boolean, broken: boolean, result: boolean][] =
    [
      [0, 1, true, false, false],
      [0, 0, true, true, true],
      [1, 1, true, true, false],
      [1, 4999, false, false, false],
      [4999, 1, false, false, false],
      [5001, 1, false, false, false],
      [5001, 0, false, true, true],
      [5001, 1, false, true, true],
      [5001, 1, true, true, false],
      [0, 5001, false, true, false],
      [1, 5001, true, true, false],
      [1, 1, false, false, false],
      [5001, 1, false, false, false],
      [1, 5001, false, false, true],
      [0, 5001, false, false, false],
      [5001, 1, true, false, false],
      [1, 1, false, false, false],
    ];
  for (const [step, [average, time, inSlowStart, broken, result]] of vectors.entries()) {
    const isImplausible = clock.isImplausible(average, time, inSlowStart);
    assert.deepEqual([isImplausible, clock.isBroken], [result, broken], `step ${step}`);
  }
});

Deno.test("RoundTripTime: C tor's vectors of average and least time", () => {
  const vectors: [
    sent: number,
    answered: number,
    cwnd: number,
    inSlowStart: boolean,
    current: number,
    average: number,
    min: number,
  ][] = [
    [100000, 200000, 124, true, 100000, 100000, 100000],
    [200000, 300000, 124, true, 100000, 100000, 100000],
    [350000, 500000, 124, true, 150000, 133333, 100000],
    [500000, 550000, 124, true, 50000, 77777, 77777],
    [600000, 700000, 124, true, 100000, 92592, 77777],
    [700000, 750000, 124, true, 50000, 64197, 64197],
    [750000, 875000, 124, false, 125000, 104732, 104732],
    [875000, 900000, 124, false, 25000, 51577, 104732],
    [900000, 950000, 200, false, 50000, 50525, 50525],
  ];
  const roundTrip = new RoundTripTime(PARAMETERS);
  for (const [sent] of vectors) roundTrip.sent(sent);
  for (const [step, vector] of vectors.entries()) {
    const [, answered, cwnd, inSlowStart, ...expected] = vector;
    // The rate for a window of less than 480 cells.
    const updateRate = inSlowStart ? 1 : 0;
    const isMeasured = roundTrip.answered(answered, { cwnd, inSlowStart, updateRate });
    assert.equal(isMeasured, true);
    const { current, average, min } = roundTrip;
    assert.deepEqual([current, average, min], expected, `step ${step}`);
  }
  assert.equal(roundTrip.max, 150000);
});

Deno.test("RoundTripTime: a time that cannot be measured changes nothing but the current one", () => {
  const roundTrip = new RoundTripTime(PARAMETERS);
  for (const sent of [1000, 3000, 3000, 4000]) roundTrip.sent(sent);
  assert.equal(roundTrip.answered(2000, SLOW_START), true);
  const { average, min, max } = roundTrip;
  // The clock stands still, and after slow start it jumps.
  assert.equal(roundTrip.answered(3000, SLOW_START), false);
  assert.equal(roundTrip.answered(10 ** 9, { ...SLOW_START, inSlowStart: false }), false);
  assert.equal(roundTrip.current, 0);
  assert.deepEqual([roundTrip.average, roundTrip.min, roundTrip.max], [average, min, max]);
  assert.equal(roundTrip.answered(5000, SLOW_START), true);
  assert.equal(roundTrip.current, 1000);
});

Deno.test("RoundTripTime: after slow start it averages over a part of the SENDMEs of a window", () => {
  for (const [updateRate, count] of [[0, 2], [5, 2], [6, 3], [10, 5], [20, 10], [100, 10]]) {
    const roundTrip = new RoundTripTime(PARAMETERS);
    for (const sent of [0, 0]) roundTrip.sent(sent);
    const window = { cwnd: 5000, inSlowStart: false, updateRate };
    roundTrip.answered(1000, window);
    roundTrip.answered(4000, window);
    const expected = Math.floor((2 * 4000 + (count - 1) * 1000) / (count + 1));
    assert.equal(roundTrip.average, expected, `${updateRate} SENDMEs`);
  }
});

Deno.test("RoundTripTime: at the least window, the least time is raised by rttResetPct", () => {
  for (const [rttResetPct, expected] of [[0, 1000], [50, 1500], [100, 2000]]) {
    const roundTrip = new RoundTripTime({ ...PARAMETERS, rttResetPct });
    for (const sent of [0, 0]) roundTrip.sent(sent);
    const window = { cwnd: PARAMETERS.cwndMin, inSlowStart: false, updateRate: 0 };
    roundTrip.answered(1000, window);
    roundTrip.answered(2500, window);
    assert.deepEqual([roundTrip.average, roundTrip.min], [2000, expected]);
  }
});

Deno.test("RoundTripTime: the average lies between the least and the longest of plausible times", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 50 }),
      fc.boolean(),
      fc.nat(40),
      (times, inSlowStart, updateRate) => {
        const roundTrip = new RoundTripTime(PARAMETERS);
        let now = 0;
        for (const time of times) {
          roundTrip.sent(now);
          now += time;
          assert.equal(roundTrip.answered(now, { cwnd: 500, inSlowStart, updateRate }), true);
          const { average, min, max } = roundTrip;
          assert.ok(min <= average && average <= max && max === Math.max(max, time));
          assert.ok(average >= Math.min(...times) && Number.isInteger(average));
        }
      },
    ),
    { seed: 1 },
  );
});
