/**
 * Time, as the client is given it, so that a test can hold it.
 *
 * @module
 */

/** A timer that was started; cancelling it twice, or after it ran, does nothing. */
export interface Timer {
  /** Stops the timer; its callback will not run. */
  cancel(): void;
}

/** Where all rooms get the time and start timers. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Time in milliseconds that never runs backwards, from an arbitrary origin. */
  monotonic(): number;
  /** Runs `callback` once, after `delay` milliseconds. */
  setTimer(callback: () => void, delay: number): Timer;
}

/** The machine's own clock. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimer(callback: () => void, delay: number): Timer {
    const id = setTimeout(callback, delay);
    return { cancel: () => clearTimeout(id) };
  }
}

/**
 * Resolves after `delay` milliseconds.
 *
 * @throws the signal's reason, when it is aborted first
 */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delay);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
