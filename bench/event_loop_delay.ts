/**
 * How late the event loop comes to what is due: the drift of a timer.
 *
 * @module
 */

/** Between two looks, in ms. */
const INTERVAL = 5;
/** The most looks that are kept: of ten minutes. */
const MOST_SAMPLES = 120_000;

/** Delays in ms. */
export interface EventLoopDelay {
  readonly samples: number;
  readonly median: number;
  readonly p99: number;
  readonly most: number;
}

/** Looks at the drift from when it is made until it is disposed of. */
export class EventLoopDelaySampler implements Disposable {
  #delays = new Float64Array(MOST_SAMPLES);
  #count = 0;
  #due = performance.now() + INTERVAL;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor() {
    this.#timer = setInterval(() => this.#look(), INTERVAL);
  }

  /** What was seen since the last call. */
  take(): EventLoopDelay {
    const sorted = this.#delays.subarray(0, this.#count).toSorted();
    this.#count = 0;
    const at = (part: number) => sorted[Math.min(sorted.length - 1, part * sorted.length | 0)] ?? 0;
    return { samples: sorted.length, median: at(0.5), p99: at(0.99), most: at(1) };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    if (this.#count < MOST_SAMPLES) this.#delays[this.#count++] = Math.max(0, now - this.#due);
    this.#due = now + INTERVAL;
  }
}
