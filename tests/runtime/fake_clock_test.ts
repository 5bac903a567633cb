import assert from "node:assert/strict";
import { sleep } from "../../src/runtime/clock.ts";
import { FakeClock } from "./fake_clock.ts";

Deno.test("FakeClock: runs timers when due, in order, also those set on the way", () => {
  const clock = new FakeClock(1000);
  const ran: string[] = [];
  const note = (what: string) => () => ran.push(`${what} at ${clock.now()}`);
  clock.setTimer(note("late"), 300);
  clock.setTimer(() => {
    note("first")();
    clock.setTimer(note("nested"), 50);
  }, 100);
  clock.setTimer(note("second"), 100);
  clock.setTimer(note("cancelled"), 120).cancel();
  clock.advance(200);
  assert.deepEqual(ran, ["first at 1100", "second at 1100", "nested at 1150"]);
  assert.deepEqual([clock.now(), clock.monotonic(), clock.pendingTimers], [1200, 200, 1]);
  clock.advance(100);
  assert.equal(ran.at(-1), "late at 1300");
});

Deno.test("FakeClock: sleep ends when the clock is moved, or when aborted", async () => {
  const clock = new FakeClock();
  const slept = sleep(clock, 10);
  await clock.untilPending(1);
  clock.advance(10);
  await slept;
  const abort = new AbortController();
  const aborted = sleep(clock, 10, abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(aborted, /enough/);
  assert.equal(clock.pendingTimers, 0);
});
