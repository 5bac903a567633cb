/**
 * How late timers run, which is how long everything else had to wait for the event loop.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/clock.ts";

/** Between two looks, in ms. */
const INTERVAL = 500;
/** How many looks the greatest delay is of: a minute. */
const REMEMBERED = 120;

/** Sets a timer again and again, and sees how late it comes. */
export class EventLoopDelay implements Disposable {
  readonly #clock: Clock;
  readonly #onSample: (delay: number) => void;
  readonly #recent: number[] = [];
  #timer: Timer;

  /** @param onSample called twice a second with the delay in ms */
  constructor(clock: Clock, onSample: (delay: number) => void) {
    this.#clock = clock;
    this.#onSample = onSample;
    this.#timer = this.#next();
  }

  /** The greatest delay of the last minute, in ms. */
  get greatest(): number {
    return Math.max(0, ...this.#recent);
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  #next(): Timer {
    const due = this.#clock.monotonic() + INTERVAL;
    return this.#clock.setTimer(() => {
      const delay = Math.max(0, this.#clock.monotonic() - due);
      this.#recent.push(delay);
      if (this.#recent.length > REMEMBERED) this.#recent.shift();
      this.#onSample(delay);
      this.#timer = this.#next();
    }, INTERVAL);
  }
}
