/**
 * A held clock that runs while something real happens.
 *
 * @module
 */
import type { FakeClock } from "../runtime/fake_clock.ts";

/** Lets the clock run, ten times as fast as the system's, as long as something takes. */
export async function whilePassing<T>(clock: FakeClock, task: Promise<T>): Promise<T> {
  let done = false;
  const ended = task.finally(() => done = true);
  ended.catch(() => {});
  while (!done) {
    await new Promise((wake) => setTimeout(wake, 5));
    clock.advance(50);
  }
  return await ended;
}
