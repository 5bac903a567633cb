/**
 * Relays that have just been silent.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { Clock } from "../runtime/clock.ts";

/** How long a relay is avoided where there are others, in ms. */
const SUSPECTED_FOR = 60_000;

/** Remembers for a minute which relays may be why circuits fell silent. */
export class SuspectRelays {
  readonly #clock: Clock;
  /** Until when each is suspected; monotonic, in ms. */
  readonly #until = new Map<RsaIdentity, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** These have just been silent, or one of them has. */
  add(relays: readonly RsaIdentity[]): void {
    const until = this.#clock.monotonic() + SUSPECTED_FOR;
    for (const relay of relays) this.#until.set(relay, until);
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
