/**
 * The windows of a circuit at an embedded relay: fixed ones, with whatever increment the handshake
 * has agreed on. An embedded relay has no congestion control of its own; where it was agreed on,
 * its window is simply this.
 *
 * @module
 */
import { CircuitError } from "../src/circuit/errors.ts";
import { randomBelow, type RandomSource } from "../src/runtime/random.ts";

/** DATA messages that may be on their way before the first SENDME. */
const CIRCUIT_WINDOW = 1000;

/** The DATA messages that the relay may still send to the client. */
export class RelayPackageWindow {
  #window = CIRCUIT_WINDOW;
  #sent = 0;
  #roomy: number;
  readonly #increment: number;
  readonly #random: RandomSource;
  /** Digests that SENDMEs to come must carry, oldest first. */
  readonly #expected: string[] = [];

  /** @param increment DATA messages that one SENDME answers */
  constructor(increment: number, random: RandomSource) {
    this.#increment = increment;
    this.#random = random;
    this.#roomy = randomBelow(random, increment);
  }

  /** How many DATA messages may be sent now. */
  get available(): number {
    return this.#window;
  }

  /** Whether the next DATA message must leave room for random padding, as one of each increment does. */
  get nextIsRoomy(): boolean {
    return this.#sent % this.#increment === this.#roomy;
  }

  /**
   * Counts a DATA message that was just sealed.
   *
   * @param digest gives the running digest after it
   */
  sent(digest: () => Uint8Array): void {
    this.#window--;
    this.#sent++;
    if (this.#sent % this.#increment !== 0) return;
    this.#expected.push(digest().toHex());
    this.#roomy = randomBelow(this.#random, this.#increment);
  }

  /**
   * Takes the digest of a SENDME that was received.
   *
   * @throws CircuitError `circuit-protocol-violation` when none was due or its digest is wrong
   */
  acknowledged(digest: Uint8Array): void {
    if (this.#expected.shift() !== digest.toHex()) {
      throw new CircuitError("circuit-protocol-violation", "a circuit SENDME that was not due");
    }
    this.#window += this.#increment;
  }
}

/** The DATA messages that have come from the client. */
export class RelayDeliverWindow {
  readonly #increment: number;
  #unanswered = 0;

  /** @param increment DATA messages that one SENDME answers */
  constructor(increment: number) {
    this.#increment = increment;
  }

  /**
   * Counts a DATA message.
   *
   * @returns whether a SENDME is due, which answers this very message
   */
  received(): boolean {
    if (++this.#unanswered < this.#increment) return false;
    this.#unanswered = 0;
    return true;
  }
}
