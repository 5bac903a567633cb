/**
 * Which relays of a circuit may have broken the protocol.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { CircuitError, CircuitErrorCode } from "./errors.ts";

/** Called for each relay that may have broken the protocol, which closed the circuit. */
export type OnViolation = (relay: RsaIdentity, code: CircuitErrorCode) => void;

/** The sender of a relay cell that no hop's key fits. */
export const UNKNOWN_HOP = -1;

/** The relays of a circuit, and whose cell or message is being handled. */
export class HopSender {
  /** The number of a hop from 0 on, {@link UNKNOWN_HOP}, or undefined before the first cell. */
  hop: number | undefined;
  readonly #relays: RsaIdentity[] = [];

  /** Adds the relay that is to be the next hop. */
  add(relay: RsaIdentity): void {
    this.#relays.push(relay);
  }

  /**
   * The relays that may be to blame for an error that was met in handling what the sender sent:
   * the sender, or every hop when any of them may have tampered with the cell. A relay is also
   * to blame for its own half of the handshake, whoever brought it. Empty when the error is no
   * violation of the protocol.
   *
   * @param hops how many hops have proved their keys
   */
  suspects(error: CircuitError, hops: number): readonly RsaIdentity[] {
    const { hop } = this;
    if (hop === undefined) return [];
    switch (error.code) {
      case "circuit-protocol-violation":
        if (hop === UNKNOWN_HOP) return this.#relays.slice(0, Math.max(hops, 1));
        return this.#relays.slice(hop, hop + 1);
      case "circuit-handshake-failed":
        // Anything else that fails in the making of a hop fails on this side.
        return hop === hops ? this.#relays.slice(hop, hop + 1) : [];
      default:
        return [];
    }
  }
}
