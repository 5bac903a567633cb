/**
 * Writes down what congestion control does.
 *
 * @module
 */
import type { CongestionObserver, CongestionSample } from "../../src/circuit/congestion_control.ts";

/** A sample with the time at which it was taken, in the clock's monotonic ms. */
export interface TimedSample extends CongestionSample {
  readonly time: number;
}

/** What one circuit did. */
export interface CircuitTrace {
  /** One for each SENDME that came, in order. */
  readonly samples: TimedSample[];
  /** SENDMEs that were sent for data that came. */
  sendmesSent: number;
}

/** Records all circuits with congestion control. */
export class CongestionRecorder implements CongestionObserver {
  readonly #traces = new Map<number, CircuitTrace>();

  /** What the circuits did, by their numbers. */
  get traces(): ReadonlyMap<number, CircuitTrace> {
    return this.#traces;
  }

  /** The circuit that has received the most SENDMEs: the one of an upload; undefined before any. */
  get busiest(): CircuitTrace | undefined {
    return [...this.#traces.values()].toSorted((a, b) => b.samples.length - a.samples.length)[0];
  }

  /** SENDMEs sent by all circuits together. */
  get sendmesSent(): number {
    return [...this.#traces.values()].reduce((sum, { sendmesSent }) => sum + sendmesSent, 0);
  }

  onSendmeReceived(circuit: number, time: number, sample: CongestionSample): void {
    this.#trace(circuit).samples.push({ ...sample, time });
  }

  onSendmeSent(circuit: number): void {
    this.#trace(circuit).sendmesSent++;
  }

  #trace(circuit: number): CircuitTrace {
    const known = this.#traces.get(circuit);
    if (known !== undefined) return known;
    const trace: CircuitTrace = { samples: [], sendmesSent: 0 };
    this.#traces.set(circuit, trace);
    return trace;
  }
}
