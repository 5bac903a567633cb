/**
 * How often which relay has broken the protocol, for those who look for the relay behind a failure.
 *
 * @module
 */

/** The most relays that are remembered; a client talks to a few dozen in a day. */
const MOST_RELAYS = 1024;

/**
 * Violations of the protocol by relay and by error code. When there are too many relays, the one
 * whose last violation is the longest ago is forgotten.
 */
export class Violations {
  readonly #limit: number;
  // In the order of the last violation.
  readonly #relays = new Map<string, Map<string, number>>();

  /** @param limit the most relays that are remembered */
  constructor(limit = MOST_RELAYS) {
    this.#limit = limit;
  }

  /**
   * Counts a violation.
   *
   * @param relay its RSA identity
   * @param code of the error that the violation ended in
   */
  note(relay: string, code: string): void {
    const counts = this.#relays.get(relay) ?? new Map<string, number>();
    this.#relays.delete(relay);
    this.#relays.set(relay, counts);
    counts.set(code, (counts.get(code) ?? 0) + 1);
    if (this.#relays.size <= this.#limit) return;
    for (const oldest of this.#relays.keys()) {
      this.#relays.delete(oldest);
      return;
    }
  }

  /** The relays that have broken the protocol, the latest one last. */
  get relays(): readonly string[] {
    return [...this.#relays.keys()];
  }

  /** How often a relay did so, by error code; empty for one that never did. */
  of(relay: string): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#relays.get(relay) ?? []);
  }
}
