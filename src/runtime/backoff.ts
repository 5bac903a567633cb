/**
 * How long to wait before something that failed is tried again.
 *
 * @module
 */
import { randomFraction, type RandomSource } from "./random.ts";

/** The numbers of a backoff: `min(initial * multiplier^n, longest)`, more or less by `jitter`. */
export interface BackoffOptions {
  /** The first delay, in ms. */
  readonly initial: number;
  /** By how much each delay is longer than the one before; 1 or more. */
  readonly multiplier: number;
  /** The longest delay before the jitter, in ms. */
  readonly longest: number;
  /** The largest part, 0 to 1, by which a delay is made shorter or longer at random. */
  readonly jitter: number;
}

/** What is used where nothing is configured: 1 s, doubled each time up to 30 s, 25 % of jitter. */
export const DEFAULT_BACKOFF: BackoffOptions = {
  initial: 1000,
  multiplier: 2,
  longest: 30_000,
  jitter: 0.25,
};

/**
 * The delay after `failures` failures before this one, in ms: uniformly distributed within the
 * jitter around `min(initial * multiplier^failures, longest)`. Clients that failed at one time do
 * not come back at one time.
 *
 * @param failures 0 or more
 */
export function backoffDelay(
  options: BackoffOptions,
  failures: number,
  random: RandomSource,
): number {
  const { initial, multiplier, longest, jitter } = options;
  const delay = Math.min(initial * multiplier ** failures, longest);
  return delay * (1 - jitter + 2 * jitter * randomFraction(random));
}

/** A {@link backoffDelay} that counts the failures itself. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: RandomSource;
  #failures = 0;

  constructor(options: BackoffOptions, random: RandomSource) {
    this.#options = options;
    this.#random = random;
  }

  /** Failures since the start or the last {@link reset}. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure, and gives the ms to wait before the next attempt. */
  next(): number {
    return backoffDelay(this.#options, this.#failures++, this.#random);
  }

  /** Something succeeded: the next failure is the first one. */
  reset(): void {
    this.#failures = 0;
  }
}
