/**
 * The pace at which a stream sends, as the other end has advised in XON: a token bucket that holds
 * one second's worth (C tor: the bucket of an edge connection).
 *
 * @module
 */
import type { Clock } from "../runtime/clock.ts";

/** So much is waited for when there is nothing left, in bytes: 16 DATA messages. */
const WORTH_WAITING_FOR = 16 * 498;
/** The shortest wait, in ms: there are no more than 20 a second. */
const SHORTEST_WAIT = 50;

/** How much one stream may send. Without a limit it costs nothing. */
export class SendRate {
  readonly #clock: Clock;
  /** Bytes for each second, and the most that are saved up. */
  #rate = Infinity;
  /** Bytes that may be sent now; the last message may take more than there are. */
  #tokens = Infinity;
  #filledAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param rate bytes for each second; Infinity for no limit */
  limit(rate: number): void {
    if (this.#rate === Infinity) this.#filledAt = this.#clock.monotonic();
    else this.#refill();
    this.#rate = rate;
    this.#tokens = rate === Infinity ? Infinity : Math.min(this.#tokens, rate);
  }

  /** Whether something may be sent now. */
  get isOpen(): boolean {
    if (this.#tokens <= 0) this.#refill();
    return this.#tokens > 0;
  }

  /** Counts bytes that were sent. */
  spend(length: number): void {
    this.#tokens -= length;
  }

  /** In how many ms it is worth while to ask again. */
  get wait(): number {
    const wanted = Math.min(WORTH_WAITING_FOR, this.#rate) - this.#tokens;
    return Math.max(SHORTEST_WAIT, Math.ceil(wanted / this.#rate * 1000));
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#rate, this.#tokens + (now - this.#filledAt) * this.#rate / 1000);
    this.#filledAt = now;
  }
}
