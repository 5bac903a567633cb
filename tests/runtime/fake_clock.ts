/**
 * A clock that a test moves by hand.
 *
 * @module
 */
import type { Clock, Timer } from "../../src/runtime/clock.ts";

interface Pending {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time stands still until {@link advance}; timers run in the order in which they are due. */
export class FakeClock implements Clock {
  readonly #start: number;
  readonly #pending = new Set<Pending>();
  #elapsed = 0;
  #timersSet = 0;
  #waiters: { count: number; resolve: () => void }[] = [];

  /** @param start wall-clock time at the beginning, in ms since 1970-01-01 UTC */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#start = start;
  }

  /** How many timers are waiting. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  setTimer(callback: () => void, delay: number): Timer {
    const timer: Pending = {
      due: this.#elapsed + Math.max(0, delay),
      order: this.#timersSet++,
      callback,
    };
    this.#pending.add(timer);
    this.#waiters = this.#waiters.filter(({ count, resolve }) => {
      if (this.#pending.size < count) return true;
      resolve();
      return false;
    });
    return { cancel: () => void this.#pending.delete(timer) };
  }

  /** Resolves as soon as at least `count` timers are waiting, which may be at once. */
  untilPending(count: number): Promise<void> {
    if (this.#pending.size >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }

  /**
   * Moves the clock by `ms` milliseconds and runs what falls due on the way, each timer at its own
   * time, those that a callback sets included. What promises do in between is not waited for.
   */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      let next: Pending | undefined;
      for (const timer of this.#pending) {
        if (timer.due > end) continue;
        if (
          next === undefined || timer.due < next.due ||
          (timer.due === next.due && timer.order < next.order)
        ) next = timer;
      }
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#elapsed = next.due;
      next.callback();
    }
    this.#elapsed = end;
  }
}
