/**
 * Relays in whose place somebody else has answered, and which are not asked again for a while.
 *
 * @module
 */
import type { Clock } from "../runtime/clock.ts";
import type { ChannelTarget } from "./connect.ts";
import { ChannelError } from "./errors.ts";
import { lastsLong } from "./failure_class.ts";

/** How long such a relay is left alone, in ms. */
export const IDENTITY_REFUSAL_TIME = 3_600_000;
/** The most relays that are remembered; the one that is remembered the longest is forgotten. */
const MOST_RELAYS = 1024;

/** Which identity was refused at which address, and until when. */
export class RefusedIdentities {
  readonly #clock: Clock;
  // From what is asked for to the monotonic time of its end, in the order of the ends.
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Remembers the target if the failure says that it is not there. */
  note(target: ChannelTarget, error: ChannelError): void {
    if (!lastsLong(error)) return;
    const key = keyOf(target);
    this.#until.delete(key);
    this.#until.set(key, this.#clock.monotonic() + IDENTITY_REFUSAL_TIME);
    if (this.#until.size <= MOST_RELAYS) return;
    for (const oldest of this.#until.keys()) {
      this.#until.delete(oldest);
      return;
    }
  }

  /** @throws ChannelError `identity-refused-before` while the target is remembered */
  check(target: ChannelTarget): void {
    const key = keyOf(target);
    const until = this.#until.get(key);
    if (until === undefined) return;
    if (this.#clock.monotonic() >= until) {
      this.#until.delete(key);
      return;
    }
    throw new ChannelError(
      "identity-refused-before",
      "somebody else has answered at the relay's address a while ago",
    );
  }
}

/** What was asked for: another identity, or the same one elsewhere, deserves an attempt. */
function keyOf({ rsaIdentity, ed25519Identity, hostname, port }: ChannelTarget): string {
  return JSON.stringify([rsaIdentity, ed25519Identity ?? null, hostname, port]);
}
