/**
 * How much goes through the client, over the last ten minutes.
 *
 * @module
 */
import type { ChannelBytes } from "../channel/channel.ts";
import type { Clock, Timer } from "../runtime/clock.ts";

/** Between two samples, in ms. */
export const SAMPLE_INTERVAL = 2000;
/** How many samples are kept: ten minutes. */
const SAMPLES = 300;
/** The present rate is the mean of so many samples: ten seconds. */
const PRESENT = 5;

/** Bytes per second. */
export interface Rate {
  readonly read: number;
  readonly written: number;
}

/** Looks every two seconds how many bytes there were. */
export class Throughput implements Disposable {
  readonly #clock: Clock;
  readonly #total: () => ChannelBytes;
  readonly #rates: Rate[] = [];
  #last: ChannelBytes;
  #lastAt: number;
  #timer: Timer;

  /** @param total bytes received and sent since the start */
  constructor(clock: Clock, total: () => ChannelBytes) {
    this.#clock = clock;
    this.#total = total;
    this.#last = total();
    this.#lastAt = clock.monotonic();
    this.#timer = this.#next();
  }

  /** The rates of up to ten minutes, the oldest one first. */
  get history(): readonly Rate[] {
    return this.#rates;
  }

  /** The rate of the last ten seconds. */
  get present(): Rate {
    const recent = this.#rates.slice(-PRESENT);
    if (recent.length === 0) return { read: 0, written: 0 };
    const mean = (key: keyof Rate) =>
      recent.reduce((sum, rate) => sum + rate[key], 0) / recent.length;
    return { read: mean("read"), written: mean("written") };
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  #next(): Timer {
    return this.#clock.setTimer(() => {
      this.#sample();
      this.#timer = this.#next();
    }, SAMPLE_INTERVAL);
  }

  #sample(): void {
    const now = this.#clock.monotonic();
    const total = this.#total();
    const seconds = Math.max(now - this.#lastAt, 1) / 1000;
    this.#rates.push({
      read: (total.received - this.#last.received) / seconds,
      written: (total.sent - this.#last.sent) / seconds,
    });
    if (this.#rates.length > SAMPLES) this.#rates.shift();
    this.#last = total;
    this.#lastAt = now;
  }
}
