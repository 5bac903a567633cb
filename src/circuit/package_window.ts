/**
 * How many DATA messages may be on their way on a circuit: what both kinds of circuit-level flow
 * control have in common, and the simple one.
 *
 * @module
 */

/** Bounds the DATA messages that were sent and that no SENDME has answered. */
export interface PackageWindow {
  /** Whether this is congestion control, under which streams have no windows of their own. */
  readonly isCongestionControl: boolean;
  /** DATA messages, of either direction, that one SENDME answers. */
  readonly increment: number;
  /** How many DATA messages may be sent now. */
  readonly available: number;
  /** DATA messages that no SENDME has answered. */
  readonly inflight: number;
  /** The average round-trip time, in microseconds; 0 while it is not measured. */
  readonly roundTripTime: number;
  /**
   * A DATA message was sent.
   *
   * @param isAnswered whether it is the last of an increment, which a SENDME will answer
   */
  sent(isAnswered: boolean): void;
  /**
   * A SENDME has come that was due.
   *
   * @param isBlocked whether the channel holds back what is sent
   */
  acknowledged(isBlocked: boolean): void;
}

/** DATA messages that may be on their way before the first SENDME. */
const CIRCUIT_WINDOW = 1000;

/** The same window all the time (tor-spec, "Circuit-level flow control"). */
export class FixedWindow implements PackageWindow {
  readonly isCongestionControl = false;
  readonly increment = 100;
  readonly roundTripTime = 0;
  available = CIRCUIT_WINDOW;

  get inflight(): number {
    return CIRCUIT_WINDOW - this.available;
  }

  sent(): void {
    this.available--;
  }

  acknowledged(): void {
    this.available += this.increment;
  }
}
