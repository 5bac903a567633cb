/**
 * Congestion control of one circuit: a package window that follows what the way can take (proposal
 * 324).
 *
 * @module
 */
import type { Clock } from "../runtime/clock.ts";
import type { CongestionControlParameters } from "./congestion_control_parameters.ts";
import type { PackageWindow } from "./package_window.ts";
import { Vegas } from "./vegas.ts";

const MICROSECONDS = 1000;

/** What an observer sees of a circuit's congestion control; times are in microseconds. */
export interface CongestionSample {
  /** The congestion window, in cells. */
  readonly cwnd: number;
  /** DATA messages on their way. */
  readonly inflight: number;
  /** The round-trip time that was just measured; 0 when it could not be. */
  readonly rtt: number;
  /** The moving average of round-trip times, and the least that it was. */
  readonly averageRtt: number;
  readonly minRtt: number;
  /** The bandwidth-delay product, in cells. */
  readonly bdp: number;
  readonly inSlowStart: boolean;
  /** Whether the channel held back what was sent. */
  readonly isBlocked: boolean;
}

/** Watches congestion control, for measurements; the calls are synchronous. */
export interface CongestionObserver {
  /**
   * A SENDME has come, and the window was adapted to it.
   *
   * @param circuit the circuit's number in logs
   * @param time the clock's monotonic ms
   */
  onSendmeReceived(circuit: number, time: number, sample: CongestionSample): void;
  /** A SENDME was sent for DATA messages that came. */
  onSendmeSent(circuit: number, time: number): void;
}

/** A window that the Vegas algorithm adapts at each SENDME. */
export class CongestionControl implements PackageWindow {
  readonly isCongestionControl = true;
  readonly increment: number;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #onAdapted: ((sample: CongestionSample) => void) | undefined;
  readonly #vegas: Vegas;
  #inflight = 0;

  /**
   * @param sendmeIncrement that the relay has agreed to
   * @param onAdapted called after each SENDME
   */
  constructor(
    parameters: CongestionControlParameters,
    sendmeIncrement: number,
    clock: Pick<Clock, "monotonic">,
    onAdapted?: (sample: CongestionSample) => void,
  ) {
    this.increment = sendmeIncrement;
    this.#clock = clock;
    this.#onAdapted = onAdapted;
    this.#vegas = new Vegas(parameters, sendmeIncrement);
  }

  /** None while more is on its way than a window that has shrunk allows. */
  get available(): number {
    return Math.max(0, this.#vegas.cwnd - this.#inflight);
  }

  get inflight(): number {
    return this.#inflight;
  }

  get roundTripTime(): number {
    return this.#vegas.roundTrip.average;
  }

  sent(isAnswered: boolean): void {
    this.#inflight++;
    if (isAnswered) this.#vegas.roundTrip.sent(this.#now());
  }

  acknowledged(isBlocked: boolean): void {
    this.#vegas.acknowledged(this.#now(), this.#inflight, isBlocked);
    this.#inflight -= this.increment;
    this.#onAdapted?.(this.#sample());
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic() * MICROSECONDS);
  }

  #sample(): CongestionSample {
    const { cwnd, bdp, inSlowStart, isBlocked, roundTrip } = this.#vegas;
    return {
      cwnd,
      inflight: this.#inflight,
      rtt: roundTrip.current,
      averageRtt: roundTrip.average,
      minRtt: roundTrip.min,
      bdp,
      inSlowStart,
      isBlocked,
    };
  }
}
