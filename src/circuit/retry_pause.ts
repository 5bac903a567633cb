/**
 * When circuits are tried again after several could not be built.
 *
 * @module
 */
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import { Backoff, type BackoffOptions } from "../runtime/backoff.ts";
import type { Timer } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";

const log = new Logger("circuit");

/** Failures in a row that cost no time: single relays fail now and then. */
const FREE_FAILURES = 3;
/** The longest of the first pauses while streams wait for a circuit, in ms. */
const LONGEST_FOR_STREAMS = 8000;
/** So many pauses are shortened for streams; if nothing has helped then, hurry does not either. */
const HURRIED_PAUSES = 10;

/** A pause after each failure from the fourth in a row on, longer each time. */
export class RetryPause {
  readonly #runtime: Pick<Runtime, "clock">;
  readonly #backoff: Backoff;
  readonly #onEnd: () => void;
  #free = FREE_FAILURES;
  #timer: Timer | undefined;
  /** When the pause began and when it ends, in monotonic ms. */
  #began = 0;
  #ends = 0;

  /** @param onEnd called when a pause is over */
  constructor(runtime: Runtime, options: BackoffOptions, onEnd: () => void) {
    this.#runtime = runtime;
    this.#backoff = new Backoff(options, runtime.random);
    this.#onEnd = onEnd;
  }

  /** Whether nothing should be tried now. */
  get isOn(): boolean {
    return this.#timer !== undefined;
  }

  /** Failures in a row, beyond those that cost no time. */
  get failures(): number {
    return this.#backoff.failures;
  }

  /**
   * Something failed: begins a pause, unless one is on already.
   *
   * @param lasted how long the attempt took, in ms: that much of the pause is over already
   * @param isWaitedFor whether streams wait, so that the pause must not be too long
   */
  noteFailure(error: unknown, lasted: number, isWaitedFor: boolean): void {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    if (this.isOn) return;
    const delay = this.#backoff.next();
    const limit = isWaitedFor ? this.#longest : delay;
    const now = this.#runtime.clock.monotonic();
    this.#began = now - lasted;
    this.#ends = this.#began + Math.min(delay, limit);
    const left = this.#ends - now;
    log.info(
      `Circuits fail one after the other (attempt ${this.failures + FREE_FAILURES}, ` +
        `${describeError(error)}): the next one comes in ${Math.max(0, Math.round(left))} ms`,
    );
    if (left > 0) this.#start();
  }

  /**
   * A stream has begun to wait: a long pause becomes shorter.
   *
   * @param isFirst whether no other waits yet: one who comes back after a long time need not wait
   * for what others have waited for in vain
   */
  hurry(isFirst: boolean): void {
    const longest = isFirst ? LONGEST_FOR_STREAMS : this.#longest;
    if (!this.isOn || this.#ends <= this.#began + longest) return;
    this.#ends = this.#began + longest;
    this.#start();
  }

  /** Something succeeded, or everything has changed: no pause any more. */
  reset(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#free = FREE_FAILURES;
    this.#backoff.reset();
  }

  /** The longest pause while streams wait, in ms. */
  get #longest(): number {
    return this.failures > HURRIED_PAUSES ? Infinity : LONGEST_FOR_STREAMS;
  }

  #start(): void {
    const { clock } = this.#runtime;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(() => {
      this.#timer = undefined;
      this.#onEnd();
    }, Math.ceil(Math.max(0, this.#ends - clock.monotonic())));
  }
}
