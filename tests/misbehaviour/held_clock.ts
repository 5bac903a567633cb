/**
 * A clock that stands still until a test moves it, and tells which timers are set.
 *
 * @module
 */
import type { Timer } from "../../src/runtime/clock.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

/** A clock by which tests wait for the pauses that the client makes. */
export class HeldClock extends FakeClock {
  readonly #waiters = new Set<{ longest: number; resolve(delay: number): void }>();

  override setTimer(callback: () => void, delay: number): Timer {
    const timer = super.setTimer(callback, delay);
    for (const waiter of [...this.#waiters]) {
      if (delay > waiter.longest) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(delay);
    }
    return timer;
  }

  /** Resolves with the delay of the next timer that is set for at most `longest` ms. */
  untilTimer(longest: number): Promise<number> {
    return new Promise((resolve) => this.#waiters.add({ longest, resolve }));
  }
}
