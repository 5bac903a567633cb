/**
 * Directory servers that have said that they have too much to do (HTTP status 503).
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { Clock } from "../runtime/clock.ts";

/** For so long others are asked before such a server (C tor: DIR_503_TIMEOUT), in ms. */
const OVERLOADED_FOR = 60 * 60_000;

/** Remembers them for an hour each. */
export class OverloadedServers {
  readonly #clock: Clock;
  /** Until when each counts as overloaded; monotonic ms, the earliest first. */
  readonly #until = new Map<RsaIdentity, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that a server has just said so. */
  note(identity: RsaIdentity): void {
    this.#forget();
    this.#until.delete(identity);
    this.#until.set(identity, this.#clock.monotonic() + OVERLOADED_FOR);
  }

  /** Whether a server has said so within the last hour. */
  has(identity: RsaIdentity): boolean {
    return (this.#until.get(identity) ?? -Infinity) > this.#clock.monotonic();
  }

  /** All that have said so within the last hour. */
  all(): ReadonlySet<RsaIdentity> {
    this.#forget();
    return new Set(this.#until.keys());
  }

  #forget(): void {
    const now = this.#clock.monotonic();
    for (const [identity, until] of this.#until) if (until <= now) this.#until.delete(identity);
  }
}
