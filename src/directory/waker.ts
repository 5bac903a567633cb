/**
 * Lets a loop sleep until its time has come or something has changed.
 *
 * @module
 */
import type { Clock } from "../runtime/clock.ts";

/** For one sleeper. A change while nobody sleeps is not lost: the next sleep ends at once. */
export class Waker {
  readonly #clock: Clock;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the sleep, or the next one. */
  wake(): void {
    this.#changed = true;
    this.#wake?.();
  }

  /**
   * Sleeps for `ms` milliseconds, or until {@link wake} when that is `Infinity`.
   *
   * @throws the signal's reason, when it is aborted
   */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        timer?.cancel();
        signal.removeEventListener("abort", onAbort);
        this.#wake = undefined;
        this.#changed = false;
        settle();
      };
      const onAbort = () => end(() => reject(signal.reason));
      const timer = ms === Infinity || this.#changed
        ? undefined
        : this.#clock.setTimer(() => end(resolve), ms);
      if (signal.aborted) return onAbort();
      if (this.#changed) return end(resolve);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#wake = () => end(resolve);
    });
  }
}
