/**
 * When something that failed is tried again.
 *
 * @module
 */
import { randomBelow, type RandomSource } from "../runtime/random.ts";

const SHORTEST_DELAY = 1000;
const HOUR = 60 * 60 * 1000;

/**
 * Random exponential backoff, as C tor has it ("decorrelated jitter"): each delay is drawn
 * uniformly between the base and three times the delay before. Unlike C tor's it has a longest
 * delay, because a machine that was offline for a day should not stay so for three more.
 *
 * It is not the backoff of the other rooms (runtime/backoff.ts), whose delays grow by a fixed factor:
 * a directory server sees when a client comes back, and here the specification has each delay depend
 * on the random one before, so that clients which failed together drift apart (dir-spec, "Retrying
 * failed downloads").
 */
export class Backoff {
  readonly #random: RandomSource;
  readonly #base: number;
  readonly #longest: number;
  #delay = 0;
  #count = 0;

  /**
   * @param base the shortest delay in ms; a second, if it is less
   * @param longest the longest delay in ms
   */
  constructor(random: RandomSource, base: number, longest = HOUR) {
    this.#random = random;
    this.#longest = longest;
    this.#base = Math.min(Math.max(base, SHORTEST_DELAY), longest);
  }

  /** How many delays were drawn since the start or the last {@link reset}. */
  get count(): number {
    return this.#count;
  }

  /** The ms to wait before the next try. */
  next(): number {
    this.#count += 1;
    const span = Math.max(this.#delay * 3 - this.#base, SHORTEST_DELAY);
    this.#delay = Math.min(this.#base + randomBelow(this.#random, span), this.#longest);
    return this.#delay;
  }

  /** Begins again with the shortest delay. */
  reset(): void {
    this.#delay = 0;
    this.#count = 0;
  }
}
