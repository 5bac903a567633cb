/**
 * Relays that have just been silent, or out of others' reach.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { Clock } from "../runtime/clock.ts";

/** How long a relay is avoided where there are others, in ms. */
const SUSPECTED_FOR = 60_000;
/** So many are avoided at once. */
const MOST = 4;

/**
 * Remembers for a minute which relays may be why circuits fell silent or could not be built. Only the latest few: a guard
 * that lets circuits fail on purpose must not be able to lead others to the relays that it wants.
 */
export class SuspectRelays {
  readonly #clock: Clock;
  /** Until when each is suspected; monotonic, in ms. */
  readonly #until = new Map<RsaIdentity, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** These have just failed, or one of them has. */
  add(relays: readonly RsaIdentity[]): void {
    const until = this.#clock.monotonic() + SUSPECTED_FOR;
    for (const relay of relays) {
      // Added again at the end: the first one is the one that failed the longest time ago.
      this.#until.delete(relay);
      this.#until.set(relay, until);
    }
    for (const relay of this.#until.keys()) {
      if (this.#until.size <= MOST) break;
      this.#until.delete(relay);
    }
  }

  /** Those that are suspected now. */
  current(): readonly RsaIdentity[] {
    const now = this.#clock.monotonic();
    for (const [relay, until] of this.#until) {
      if (until <= now) this.#until.delete(relay);
    }
    return [...this.#until.keys()];
  }
}
