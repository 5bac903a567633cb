/**
 * A token bucket: how much may pass in a time.
 *
 * @module
 */

/**
 * Holds tokens, of which `rate` come each second until there are `burst`. Taking more than there
 * are makes a debt, which must be paid off before the next taking: so what was read or written
 * already, however much it was, is never to be undone.
 *
 * Time is given by the caller in monotonic ms.
 */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;

  /**
   * @param rate tokens per second, more than 0
   * @param burst the most tokens that are held, which is also how many there are at first
   */
  constructor({ rate, burst }: { rate: number; burst: number }, now: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  /** Takes tokens, if need be on credit. */
  take(count: number, now: number): void {
    this.#fill(now);
    this.#tokens -= count;
  }

  /** Milliseconds until the debt is paid off; 0 when there is none. */
  wait(now: number): number {
    this.#fill(now);
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens * 1000 / this.#rate);
  }

  #fill(now: number): void {
    const elapsed = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#rate / 1000);
  }
}
