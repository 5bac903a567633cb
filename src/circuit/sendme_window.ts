/**
 * Circuit-level flow control with fixed windows and authenticated SENDMEs
 * (tor-spec, "Circuit-level flow control", proposal 289).
 *
 * @module
 */
import { randomBelow, type RandomSource } from "../runtime/random.ts";
import { CircuitError } from "./errors.ts";

/** DATA messages that may be on their way before the first SENDME. */
const CIRCUIT_WINDOW = 1000;
/** DATA messages that one SENDME answers. */
const CIRCUIT_INCREMENT = 100;

/** The DATA messages that we may still send on a circuit. */
export class PackageWindow {
  #window = CIRCUIT_WINDOW;
  #sent = 0;
  #roomy: number;
  readonly #random: RandomSource;
  /** Digests of the messages that SENDMEs to come will answer, oldest first; at most ten. */
  readonly #expected: Uint8Array[] = [];

  constructor(random: RandomSource) {
    this.#random = random;
    this.#roomy = randomBelow(random, CIRCUIT_INCREMENT);
  }

  /** How many DATA messages may be sent now. */
  get available(): number {
    return this.#window;
  }

  /**
   * Whether the next DATA message must leave room for random padding. One at a random place of
   * each increment does, so that nobody can predict the digest without having received the data.
   */
  get nextIsRoomy(): boolean {
    return this.#sent % CIRCUIT_INCREMENT === this.#roomy;
  }

  /**
   * Counts a DATA message that was just sealed.
   *
   * @param digest gives the running digest after it; asked only when a SENDME will answer it
   */
  sent(digest: () => Uint8Array): void {
    this.#window--;
    this.#sent++;
    if (this.#sent % CIRCUIT_INCREMENT !== 0) return;
    this.#expected.push(digest());
    this.#roomy = randomBelow(this.#random, CIRCUIT_INCREMENT);
  }

  /**
   * Takes the digest of a SENDME that was received.
   *
   * @throws CircuitError `circuit-protocol-violation` when none was due or its digest is wrong
   */
  acknowledged(digest: Uint8Array): void {
    const expected = this.#expected.shift();
    if (expected === undefined) {
      throw new CircuitError("circuit-protocol-violation", "a circuit SENDME that was not due");
    }
    if (!equalInConstantTime(expected, digest)) {
      throw new CircuitError("circuit-protocol-violation", "a circuit SENDME with a wrong digest");
    }
    this.#window += CIRCUIT_INCREMENT;
  }
}

/**
 * The DATA messages that were received on a circuit. Each hundred is answered at once, so that the
 * other side's window never runs out on our account.
 */
export class DeliverWindow {
  #unanswered = 0;

  /**
   * Counts a DATA message that was received, for whatever stream.
   *
   * @returns whether a SENDME is due, which answers this very message
   */
  received(): boolean {
    if (++this.#unanswered < CIRCUIT_INCREMENT) return false;
    this.#unanswered = 0;
    return true;
  }
}

function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a[index] ^ b[index];
  return difference === 0;
}
