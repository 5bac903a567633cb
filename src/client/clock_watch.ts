/**
 * Notices when the machine slept, or its clock was set.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/clock.ts";

/** How often the clock is looked at, in ms. */
const INTERVAL = 10_000;
/** A jump from this size on is worth a word, in ms (C tor: NUM_JUMPED_SECONDS_BEFORE_WARN). */
const NOTABLE_JUMP = 100_000;

/** Compares how far the wall clock and a timer have gone. */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #onJump: (jump: number) => void;
  #timer: Timer | undefined;

  /**
   * @param onJump called with how far the wall clock went beyond what it should have, in ms;
   * negative when it went back
   */
  constructor(clock: Clock, onJump: (jump: number) => void) {
    this.#clock = clock;
    this.#onJump = onJump;
  }

  /** Begins to watch. */
  start(): void {
    const before = this.#clock.now();
    this.#timer = this.#clock.setTimer(() => {
      this.start();
      const jump = this.#clock.now() - before - INTERVAL;
      if (Math.abs(jump) >= NOTABLE_JUMP) this.#onJump(jump);
    }, INTERVAL);
  }

  /** Ends the watch. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
