/**
 * Circuit-level flow control: counts DATA messages both ways, and proves their receipt by SENDMEs
 * with digests (tor-spec, "Circuit-level flow control", proposal 289).
 *
 * @module
 */
import { randomBelow, type RandomSource } from "../runtime/random.ts";
import type { CircuitParts } from "./circuit_parts.ts";
import { CongestionControl, type CongestionSample } from "./congestion_control.ts";
import { CircuitError } from "./errors.ts";
import type { AgreedCongestionControl } from "./hop_handshake.ts";
import type { PackageWindow } from "./package_window.ts";

/** The flow control between the client and the last hop of one circuit. */
export class CircuitFlowControl {
  readonly #window: PackageWindow;
  readonly #random: RandomSource;
  /** Digests of the messages that SENDMEs to come will answer, oldest first. */
  readonly #expected: Uint8Array[] = [];
  /** Messages of the current increment, and the one of them that leaves room for padding. */
  #sent = 0;
  #roomy: number;
  #unanswered = 0;

  /** @param window decides how many messages may be on their way */
  constructor(window: PackageWindow, random: RandomSource) {
    this.#window = window;
    this.#random = random;
    this.#roomy = randomBelow(random, window.increment);
  }

  /** Whether the circuit has congestion control, and its streams no windows of their own. */
  get isCongestionControl(): boolean {
    return this.#window.isCongestionControl;
  }

  /** DATA messages that one SENDME answers. */
  get increment(): number {
    return this.#window.increment;
  }

  /** DATA messages that no SENDME has answered. */
  get inflight(): number {
    return this.#window.inflight;
  }

  /** The average round-trip time, in microseconds; 0 while it is not measured. */
  get roundTripTime(): number {
    return this.#window.roundTripTime;
  }

  /** How many DATA messages may be sent now. */
  get available(): number {
    return this.#window.available;
  }

  /**
   * Whether the next DATA message must leave room for random padding. One at a random place of
   * each increment does, so that nobody can predict the digest without having received the data.
   */
  get nextIsRoomy(): boolean {
    return this.#sent === this.#roomy;
  }

  /**
   * Counts a DATA message that was just sealed.
   *
   * @param digest gives the running digest after it; asked only when a SENDME will answer it
   */
  sent(digest: () => Uint8Array): void {
    const isAnswered = ++this.#sent === this.#window.increment;
    this.#window.sent(isAnswered);
    if (!isAnswered) return;
    this.#expected.push(digest());
    this.#sent = 0;
    this.#roomy = randomBelow(this.#random, this.#window.increment);
  }

  /**
   * Takes the digest of a SENDME that was received.
   *
   * @param isBlocked whether the channel holds back what is sent
   * @throws CircuitError `circuit-protocol-violation` when none was due or its digest is wrong
   */
  acknowledged(digest: Uint8Array, isBlocked: boolean): void {
    const expected = this.#expected.shift();
    if (expected === undefined) {
      throw new CircuitError("circuit-protocol-violation", "a circuit SENDME that was not due");
    }
    if (!equalInConstantTime(expected, digest)) {
      throw new CircuitError("circuit-protocol-violation", "a circuit SENDME with a wrong digest");
    }
    this.#window.acknowledged(isBlocked);
  }

  /**
   * Counts a DATA message that was received, for whatever stream. Each increment is answered at
   * once, so that the other side's window never runs out on our account.
   *
   * @returns whether a SENDME is due, which answers this very message
   */
  received(): boolean {
    if (++this.#unanswered < this.#window.increment) return false;
    this.#unanswered = 0;
    return true;
  }
}

/**
 * The flow control of a circuit whose last hop has agreed to congestion control.
 *
 * @param circuit the circuit's number in logs, for the observer
 */
export function congestedFlowControl(
  circuit: number,
  { parameters, sendmeIncrement }: AgreedCongestionControl,
  { random, clock, congestionObserver: observer }: CircuitParts,
): CircuitFlowControl {
  const onAdapted = observer === undefined
    ? undefined
    : (sample: CongestionSample) => observer.onSendmeReceived(circuit, clock.monotonic(), sample);
  const window = new CongestionControl(parameters, sendmeIncrement, clock, onAdapted);
  return new CircuitFlowControl(window, random);
}

function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a[index] ^ b[index];
  return difference === 0;
}
