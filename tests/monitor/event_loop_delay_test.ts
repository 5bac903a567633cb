import assert from "node:assert/strict";
import { EventLoopDelay } from "../../src/monitor/event_loop_delay.ts";
import type { Clock, Timer } from "../../src/runtime/clock.ts";

/** A clock whose timers are run by hand, as late as the test likes. */
class LateClock implements Clock {
  time = 0;
  callback: (() => void) | undefined;

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  setTimer(callback: () => void, delay: number): Timer {
    assert.equal(delay, 500);
    this.callback = callback;
    return { cancel: () => this.callback = undefined };
  }

  /** Runs the timer so many ms too late. */
  run(late: number): void {
    this.time += 500 + late;
    this.callback?.();
  }
}

Deno.test("EventLoopDelay: how late timers run, and the greatest of the last minute", () => {
  const clock = new LateClock();
  const samples: number[] = [];
  const delay = new EventLoopDelay(clock, (sample) => samples.push(sample));
  assert.equal(delay.greatest, 0);
  for (const late of [0, 70, 3]) clock.run(late);
  assert.deepEqual([samples, delay.greatest], [[0, 70, 3], 70]);
  for (let count = 0; count < 118; count++) clock.run(1);
  assert.equal(delay.greatest, 70);
  clock.run(1);
  assert.equal(delay.greatest, 3);
  delay[Symbol.dispose]();
  assert.equal(clock.callback, undefined);
});
