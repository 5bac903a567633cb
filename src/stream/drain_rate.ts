/**
 * How fast a stream's reader takes what waits for it: the rate that XON advises (proposal 324,
 * "Edge bandwidth rate advertisement"; C tor's order of decisions).
 *
 * @module
 */
import type { StreamFlowControlParameters } from "../circuit/stream_flow_control_parameters.ts";
import type { Clock } from "../runtime/clock.ts";

/** The largest rate that is told, in kB a second. */
const MOST_RATE = 2 ** 31 - 1;

/** Measures and averages the rate of one reader, in whole kB (1000 bytes) a second. */
export class DrainRate {
  readonly #parameters: StreamFlowControlParameters;
  readonly #clock: Clock;
  /** The average in kB/s, and what of it the other end was told last; 0 for none. */
  #average = 0;
  #told = 0;
  /** Bytes taken since the measurement began. */
  #drained = 0;
  /** Bytes taken since the last measurement without as much ever waiting. */
  #keptUp = 0;
  /** When the measurement began, in ms; undefined while there is none. */
  #since: number | undefined;

  constructor(parameters: StreamFlowControlParameters, clock: Clock) {
    this.#parameters = parameters;
    this.#clock = clock;
  }

  /** XOFF was sent: what was measured before is wrong. */
  reset(): void {
    this.#average = 0;
    this.#keptUp = 0;
  }

  /**
   * Counts what the reader has dealt with. A rate is measured only while something waits.
   *
   * @param drained bytes
   * @param waiting bytes that are left
   */
  count(drained: number, waiting: number): void {
    this.#drained += drained;
    this.#keptUp += drained;
    if (this.#since === undefined) {
      if (waiting === 0) return;
      this.#since = this.#clock.monotonic();
      this.#drained = 0;
    }
    if (this.#drained <= this.#parameters.xonRate) return;
    const milliseconds = this.#clock.monotonic() - this.#since;
    if (milliseconds <= 0) return;
    // Bytes for each millisecond are kilobytes for each second.
    const rate = Math.min(MOST_RATE, Math.max(1, Math.floor(this.#drained / milliseconds)));
    const { xonEwmaCnt: count } = this.#parameters;
    this.#average = this.#average === 0
      ? rate
      : Math.floor((2 * rate + (count - 1) * this.#average) / (count + 1));
    this.#keptUp = 0;
    this.#since = undefined;
  }

  /**
   * Nothing waits any more, which ends a measurement. Where cc_xon_rate has passed and the reader
   * has always caught up, the rate that was told has been too low: it doubles. (C tor begins to
   * count anew whenever anything waits, and can stay at a low rate for good.)
   */
  rest(): void {
    this.#since = undefined;
    if (this.#told === 0 || this.#keptUp < this.#parameters.xonRate) return;
    this.#average = Math.min(MOST_RATE, 2 * this.#average);
    this.#keptUp = 0;
  }

  /** Whether the rate is so different from what the other end was told that it should know. */
  get hasChanged(): boolean {
    if (this.#told === 0) return false;
    const { xonChangePct } = this.#parameters;
    return this.#average > Math.floor((100 + xonChangePct) * this.#told / 100) ||
      this.#average < Math.floor((100 - xonChangePct) * this.#told / 100);
  }

  /** The rate for an XON that is sent now, in kB a second; 0 when none was measured. */
  tell(): number {
    this.#told = this.#average;
    return this.#told;
  }
}
