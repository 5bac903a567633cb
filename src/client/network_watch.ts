/**
 * Tells the user when no relay can be reached.
 *
 * @module
 */
import { describeError, TorError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import type { Clock, Timer } from "../runtime/clock.ts";

const log = new Logger("bootstrap");

/** Time without any relay after which the first warning comes, in ms; each later one doubles it. */
const FIRST_WARNING = 8000;
/** The longest time between two warnings, in ms. */
const LONGEST_INTERVAL = 600_000;

/**
 * Warns, first after 8 s and then ever more seldom, as long as no channel to any relay was opened
 * since the start or since the last success.
 */
export class NetworkWatch {
  readonly #clock: Clock;
  readonly #onBack: () => void;
  #timer: Timer | undefined;
  #interval = FIRST_WARNING;
  #waited = 0;
  #failures = 0;
  #lastFailure: unknown;
  #wasUnreachable = false;

  /** @param onBack called when a relay answers after this machine had no network at all */
  constructor(clock: Clock, onBack: () => void) {
    this.#clock = clock;
    this.#onBack = onBack;
  }

  /** Begins to wait for a first relay. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimer(() => this.#warn(), this.#interval);
  }

  /** A relay answered. */
  noteSuccess(): void {
    if (this.#waited > 0) log.notice("A relay answered: the network is back.");
    const wasUnreachable = this.#wasUnreachable;
    this.stop();
    if (wasUnreachable) this.#onBack();
  }

  /** No channel could be opened to some relay. */
  noteFailure(error: unknown): void {
    this.#failures++;
    this.#wasUnreachable ||= error instanceof TorError && error.code === "network-unreachable";
    this.#lastFailure = error;
    // After a success the watch stands still, until relays fail again.
    this.start();
  }

  /** Ends the watch. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#interval = FIRST_WARNING;
    this.#waited = 0;
    this.#failures = 0;
    this.#lastFailure = undefined;
    this.#wasUnreachable = false;
  }

  #warn(): void {
    this.#waited += this.#interval;
    const seconds = Math.round(this.#waited / 1000);
    const last = this.#lastFailure === undefined
      ? "none has refused, none has answered"
      : `the last of ${this.#failures} attempts failed because ${describeError(this.#lastFailure)}`;
    log.warn(
      `No relay could be reached for ${seconds} s: ${last}. Is this machine connected, and does ` +
        "its firewall let Tor out? Other directories and guards are tried next, with growing " +
        "pauses, until one answers.",
    );
    this.#interval = Math.min(this.#interval * 2, LONGEST_INTERVAL);
    this.#timer = this.#clock.setTimer(() => this.#warn(), this.#interval);
  }
}
