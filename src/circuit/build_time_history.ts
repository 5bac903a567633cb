/**
 * The times of the last circuits that were built, and how the very last ones went.
 *
 * @module
 */

/** How many times are kept (C tor: CBT_NCIRCUITS_TO_OBSERVE). */
export const HISTORY_SIZE = 1000;

/** A circuit that was given up before it was built; its time is only known to be long. */
export const ABANDONED = "abandoned";

/** Milliseconds that a circuit took, whole and 1 or more, or that it was abandoned. */
export type BuildTime = number | typeof ABANDONED;

/** The last {@link HISTORY_SIZE} build times; a new one takes the place of the oldest. */
export class BuildTimeHistory {
  readonly #times: BuildTime[] = [];
  #next = 0;

  /** How many there are, abandoned circuits included. */
  get total(): number {
    return this.#times.length;
  }

  /** How many of them were abandoned. */
  get abandoned(): number {
    return this.#times.length - this.completed().length;
  }

  /** Adds one, in place of the oldest when all places are taken. */
  add(time: BuildTime): void {
    this.#times[this.#next] = time;
    this.#next = (this.#next + 1) % HISTORY_SIZE;
  }

  /** Forgets all. */
  clear(): void {
    this.#times.length = 0;
    this.#next = 0;
  }

  /** The times of the circuits that were built, in ms. */
  completed(): number[] {
    return this.#times.filter((time) => time !== ABANDONED);
  }
}

/** Which of the last circuits timed out, of those that had reached their first hop. Not persisted. */
export class RecentOutcomes {
  #timedOut: boolean[] = [];

  /** How many of them timed out. */
  get timeouts(): number {
    return this.#timedOut.filter(Boolean).length;
  }

  /** @param size how many are remembered, this one included */
  add(timedOut: boolean, size: number): void {
    this.#timedOut.push(timedOut);
    this.#timedOut = this.#timedOut.slice(-size);
  }

  /** Forgets all. */
  clear(): void {
    this.#timedOut = [];
  }
}
