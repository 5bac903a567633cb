/**
 * The TOR_VEGAS algorithm: how large the congestion window of a circuit is (proposal 324, "Tor
 * Vegas"; where C tor differs, C tor).
 *
 * What the window holds beyond the bandwidth-delay product must wait in the queues of relays. While
 * these are short the window grows, when they are long it shrinks.
 *
 * @module
 */
import type { CongestionControlParameters } from "./congestion_control_parameters.ts";
import { RoundTripTime, type WindowState } from "./round_trip_time.ts";

/** The congestion window of one circuit; all sizes are in cells. */
export class Vegas implements WindowState {
  /** The congestion window: so many DATA messages may be on their way. */
  cwnd: number;
  /** Whether the window still grows fast, as it does until the first sign of congestion. */
  inSlowStart = true;
  /** Whether the window was in full use lately; else it does not grow. */
  cwndFull = false;
  /** Whether the channel was blocked at the last SENDME. */
  isBlocked = false;
  /** The bandwidth-delay product: what can be on its way without waiting anywhere. */
  bdp = 0;
  readonly roundTrip: RoundTripTime;

  readonly #parameters: CongestionControlParameters;
  readonly #sendmeIncrement: number;
  /** SENDMEs until the window may be changed again. */
  #nextCcEvent: number;
  /** SENDMEs until a whole window was answered. */
  #nextCwndEvent = 0;

  /** @param sendmeIncrement that the relay has agreed to */
  constructor(parameters: CongestionControlParameters, sendmeIncrement: number) {
    this.#parameters = parameters;
    this.#sendmeIncrement = sendmeIncrement;
    this.cwnd = parameters.cwndInit;
    this.roundTrip = new RoundTripTime(parameters);
    this.#nextCcEvent = this.updateRate;
  }

  /** SENDMEs between two changes of the window: in slow start each one counts. */
  get updateRate(): number {
    if (this.inSlowStart) return 1;
    const step = this.#parameters.cwndIncRate * this.#sendmeIncrement;
    return Math.floor((this.cwnd + Math.floor(step / 2)) / step);
  }

  /** SENDMEs that answer a whole window. */
  get #sendmesPerCwnd(): number {
    const increment = this.#sendmeIncrement;
    return Math.floor((this.cwnd + Math.floor(increment / 2)) / increment);
  }

  /**
   * A SENDME has come, whose message {@link roundTrip} was told of.
   *
   * @param now monotonic, in whole microseconds
   * @param inflight DATA messages on their way, with those that the SENDME answers
   * @param isBlocked whether the channel holds back what is sent
   */
  acknowledged(now: number, inflight: number, isBlocked: boolean): void {
    if (this.#nextCcEvent > 0) this.#nextCcEvent--;
    if (this.#nextCwndEvent > 0) this.#nextCwndEvent--;
    const isMeasured = this.roundTrip.answered(now, this);
    this.#updateBdp(isBlocked);
    if (isMeasured || isBlocked) this.#updateCwnd(inflight);
  }

  #updateBdp(isBlocked: boolean): void {
    const { average, min } = this.roundTrip;
    if (average === 0) {
      // The clock has stood still all the time: the queue can't be told from the window.
      this.bdp = isBlocked ? this.#parameters.cwndMin : this.cwnd;
      this.isBlocked = isBlocked;
      return;
    }
    this.bdp = Math.floor(this.cwnd * min / average);
    if (isBlocked === this.isBlocked) return;
    this.isBlocked = isBlocked;
    this.#nextCcEvent = 0;
  }

  #updateCwnd(inflight: number): void {
    const { cwndMax, cwndFullPerCwnd } = this.#parameters;
    this.#updateFull(inflight);
    const queue = Math.max(0, this.cwnd - this.bdp);
    if (this.inSlowStart) this.#slowStart(queue);
    else if (this.#nextCcEvent === 0) this.#steadyState(queue);
    if (this.#nextCwndEvent === 0) this.#nextCwndEvent = this.#sendmesPerCwnd;
    if (this.#nextCcEvent === 0) this.#nextCcEvent = this.updateRate;
    const isNewRound = cwndFullPerCwnd
      ? this.#nextCwndEvent === this.#sendmesPerCwnd
      : this.#nextCcEvent === this.updateRate;
    if (isNewRound) this.cwndFull = false;
    this.cwnd = Math.min(this.cwnd, cwndMax);
  }

  /** A window is full with a gap, because several SENDMEs may come before more is packaged. */
  #updateFull(inflight: number): void {
    const { cwndFullGap, cwndFullMinPct } = this.#parameters;
    if (inflight + cwndFullGap * this.#sendmeIncrement >= this.cwnd) this.cwndFull = true;
    else if (100 * inflight < cwndFullMinPct * this.cwnd) this.cwndFull = false;
  }

  #slowStart(queue: number): void {
    const { gamma, cwndInc, cwndIncRate, ssMax } = this.#parameters;
    if (queue >= gamma || this.isBlocked) {
      this.cwnd = this.bdp + gamma;
      this.inSlowStart = false;
    } else if (this.cwndFull) {
      const growth = this.#slowStartGrowth();
      this.cwnd += growth;
      // It would grow faster after slow start.
      if (growth * this.#sendmesPerCwnd <= cwndInc * cwndIncRate) this.inSlowStart = false;
    }
    if (this.cwnd >= ssMax) {
      this.cwnd = ssMax;
      this.inSlowStart = false;
    }
  }

  /** Limited Slow Start (RFC 3742). */
  #slowStartGrowth(): number {
    const { cwndIncPctSs, ssCap } = this.#parameters;
    const increment = this.#sendmeIncrement;
    if (this.cwnd <= ssCap) return Math.floor((cwndIncPctSs * increment + 50) / 100);
    return Math.max(1, Math.floor((increment * ssCap + this.cwnd) / (2 * this.cwnd)));
  }

  #steadyState(queue: number): void {
    const { alpha, beta, delta, cwndInc, cwndMin } = this.#parameters;
    if (queue > delta) this.cwnd = this.bdp + delta - cwndInc;
    else if (queue > beta || this.isBlocked) this.cwnd -= cwndInc;
    else if (this.cwndFull && queue < alpha) this.cwnd += cwndInc;
    this.cwnd = Math.max(this.cwnd, cwndMin);
  }
}
