/**
 * A clock for timeouts that a test does not want to wait for.
 *
 * @module
 */
import { type Clock, SystemClock, type Timer } from "../../src/runtime/clock.ts";

/**
 * The system's clock, but with timers that run so many times sooner. What is timed against what
 * stays as it is: a timeout of 15 s still comes after one of 10 s.
 */
export class HurriedClock implements Clock {
  readonly #system = new SystemClock();
  readonly #start = this.#system.now();
  readonly #factor: number;

  constructor(factor: number) {
    this.#factor = factor;
  }

  now(): number {
    return this.#start + (this.#system.now() - this.#start) * this.#factor;
  }

  monotonic(): number {
    return this.#system.monotonic() * this.#factor;
  }

  setTimer(callback: () => void, delay: number): Timer {
    return this.#system.setTimer(callback, delay / this.#factor);
  }
}
