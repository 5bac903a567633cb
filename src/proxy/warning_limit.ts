/**
 * Warnings that come again and again are not all worth a line.
 *
 * @module
 */
import type { Clock } from "../runtime/clock.ts";

/** Lets one warning of each kind pass in each interval. */
export class WarningLimit {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #passedAt = new Map<string | number, number>();

  /** @param interval least ms between two warnings of a kind */
  constructor(clock: Clock, interval: number) {
    this.#clock = clock;
    this.#interval = interval;
  }

  /**
   * Whether a warning that is due now may be given; counts as given then.
   *
   * @param kind there must not be many: each is remembered
   */
  pass(kind: string | number): boolean {
    const time = this.#clock.monotonic();
    if (time - (this.#passedAt.get(kind) ?? -Infinity) < this.#interval) return false;
    this.#passedAt.set(kind, time);
    return true;
  }
}
