/**
 * The round-trip time of a circuit, measured from a DATA message to the SENDME that answers it
 * (proposal 324, "RTT measurement" and "Clock Jump Heuristics"). All times are in whole microseconds.
 *
 * @module
 */
import type { CongestionControlParameters } from "./congestion_control_parameters.ts";

/** A time that differs from the average by this factor is most likely none. */
const IMPLAUSIBLE_FACTOR = 5000;

/** Judges by differences of times whether the clock stood still or jumped. */
export class ClockCheck {
  /** Whether the clock stood still when that was last to be seen for sure. */
  isBroken = false;

  /**
   * @param average of the times before; 0 while there is none
   * @param time the new one
   * @returns whether the time says nothing about the circuit
   */
  isImplausible(average: number, time: number, inSlowStart: boolean): boolean {
    if (time === 0) {
      this.isBroken = true;
      return true;
    }
    // Too few times are known to tell.
    if (inSlowStart || average === 0) return false;
    // The network may be the reason as well: only a clock that has stood still is not believed.
    if (average > time * IMPLAUSIBLE_FACTOR) return this.isBroken;
    if (time > average * IMPLAUSIBLE_FACTOR) return true;
    this.isBroken = false;
    return false;
  }
}

/** What the measurement depends on. */
export interface WindowState {
  readonly cwnd: number;
  readonly inSlowStart: boolean;
  /** SENDMEs between two changes of the window. */
  readonly updateRate: number;
}

type Parameters = Pick<
  CongestionControlParameters,
  "cwndMin" | "ewmaCwndPct" | "ewmaMax" | "ewmaSs" | "rttResetPct"
>;

/** The round-trip times of one circuit. */
export class RoundTripTime {
  /** The last one; 0 before the first, and when it could not be measured. */
  current = 0;
  /** The exponentially weighted moving average; 0 before the first measurement. */
  average = 0;
  /** The least average; 0 before the first measurement. */
  min = 0;
  /** The longest one. */
  max = 0;
  readonly #parameters: Parameters;
  readonly #clock = new ClockCheck();
  /** When the messages were sent that SENDMEs to come will answer, oldest first. */
  readonly #pending: number[] = [];

  constructor(parameters: Parameters) {
    this.#parameters = parameters;
  }

  /** A message was sent that a SENDME will answer. */
  sent(now: number): void {
    this.#pending.push(now);
  }

  /**
   * The SENDME for the oldest of these messages has come; there must be one.
   *
   * @returns whether the time could be measured
   */
  answered(now: number, window: WindowState): boolean {
    const time = now - (this.#pending.shift() ?? now);
    this.current = 0;
    if (this.#clock.isImplausible(this.average, time, window.inSlowStart)) return false;
    this.current = time;
    this.average = this.#averageWith(time, window);
    this.max = Math.max(this.max, time);
    const { cwndMin, rttResetPct } = this.#parameters;
    if (this.min === 0) this.min = this.average;
    else if (window.cwnd === cwndMin && !window.inSlowStart) {
      // A least time that was too short has kept the window down: let it grow again.
      const high = Math.max(this.average, this.min);
      const low = Math.min(this.average, this.min);
      this.min = Math.floor(rttResetPct * high / 100) +
        Math.floor((100 - rttResetPct) * low / 100);
    } else this.min = Math.min(this.min, this.average);
    return true;
  }

  #averageWith(time: number, { inSlowStart, updateRate }: WindowState): number {
    if (this.average === 0) return time;
    const { ewmaCwndPct, ewmaMax, ewmaSs } = this.#parameters;
    const wanted = inSlowStart
      ? ewmaSs
      : Math.min(Math.floor(updateRate * ewmaCwndPct / 100), ewmaMax);
    const count = Math.max(wanted, 2);
    return Math.floor((2 * time + (count - 1) * this.average) / (count + 1));
  }
}
