import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ABANDONED,
  BuildTimeHistory,
  HISTORY_SIZE,
  RecentOutcomes,
} from "../../src/circuit/build_time_history.ts";

Deno.test("BuildTimeHistory: counts what was built and what was abandoned", () => {
  const history = new BuildTimeHistory();
  assert.equal(history.total, 0);
  history.add(100);
  history.add(ABANDONED);
  history.add(200);
  assert.equal(history.total, 3);
  assert.equal(history.abandoned, 1);
  assert.deepEqual(history.completed(), [100, 200]);
  history.clear();
  assert.equal(history.total, 0);
  assert.equal(history.abandoned, 0);
});

Deno.test("BuildTimeHistory: keeps exactly the last 1,000", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 9999 }), fc.constant(ABANDONED)), {
        maxLength: 200,
        size: "max",
      }),
      fc.nat(2500),
      (some, before) => {
        const history = new BuildTimeHistory();
        const all = [...new Array<number>(before).fill(10_000), ...some];
        for (const time of all) history.add(time);
        const kept = all.slice(-HISTORY_SIZE);
        assert.equal(history.total, kept.length);
        assert.equal(history.abandoned, kept.filter((time) => time === ABANDONED).length);
        const inOrder = (times: readonly unknown[]) => times.map(Number).toSorted((a, b) => a - b);
        assert.deepEqual(
          inOrder(history.completed()),
          inOrder(kept.filter((time) => time !== ABANDONED)),
        );
      },
    ),
    { seed: 1, numRuns: 50 },
  );
});

Deno.test("BuildTimeHistory: after it was cleared the oldest is again the first to go", () => {
  const history = new BuildTimeHistory();
  for (let n = 0; n < 1500; n++) history.add(1);
  history.clear();
  for (let n = 0; n < 1000; n++) history.add(2);
  history.add(3);
  assert.equal(history.total, 1000);
  assert.equal(history.completed().filter((time) => time === 2).length, 999);
});

Deno.test("RecentOutcomes: counts the timeouts among the last ones only", () => {
  const recent = new RecentOutcomes();
  for (let n = 0; n < 5; n++) recent.add(true, 20);
  assert.equal(recent.timeouts, 5);
  for (let n = 0; n < 17; n++) recent.add(false, 20);
  assert.equal(recent.timeouts, 3);
  // The consensus wants fewer to be remembered.
  recent.add(true, 3);
  assert.equal(recent.timeouts, 1);
  recent.clear();
  assert.equal(recent.timeouts, 0);
});
