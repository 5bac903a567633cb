import assert from "node:assert/strict";
import { ClockWatch } from "../../src/client/clock_watch.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const HOUR = 3600_000;

/** A clock whose wall-clock time can be set, as by a sleep of the machine. */
class SettableClock extends FakeClock {
  offset = 0;

  override now(): number {
    return super.now() + this.offset;
  }
}

Deno.test("ClockWatch: time that just goes by is no jump", () => {
  const clock = new SettableClock();
  const jumps: number[] = [];
  const watch = new ClockWatch(clock, (jump) => jumps.push(jump));
  watch.start();
  clock.advance(24 * HOUR);
  clock.offset += 99_999;
  clock.advance(10_000);
  assert.deepEqual(jumps, []);
  watch.stop();
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("ClockWatch: a jump is told once, whichever way, and how far it was", () => {
  const clock = new SettableClock();
  const jumps: number[] = [];
  const watch = new ClockWatch(clock, (jump) => jumps.push(jump));
  watch.start();
  clock.offset += HOUR;
  clock.advance(60_000);
  clock.offset -= 3 * HOUR;
  clock.advance(60_000);
  assert.deepEqual(jumps, [HOUR, -3 * HOUR]);
  watch.stop();
});
