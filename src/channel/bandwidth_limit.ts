/**
 * How much all channels together may receive and send (C tor: BandwidthRate, BandwidthBurst).
 *
 * @module
 */
import type { BandwidthOptions } from "../config/config.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import { TokenBucket } from "../runtime/token_bucket.ts";

/** Read or written at once, in bytes, however much may be. */
const LARGEST_CHUNK = 64 * 1024;
/** And however little. */
const SMALLEST_CHUNK = 514;
/** Of the bytes that may go in a second, how many go at once: a fourth, so that it flows. */
const CHUNKS_PER_SECOND = 4;

/** One limit for each direction, shared by all channels. */
export class BandwidthLimit {
  readonly #clock: Clock;
  readonly #received: TokenBucket;
  readonly #sent: TokenBucket;
  readonly #chunk: number;

  constructor(options: BandwidthOptions, clock: Clock) {
    this.#clock = clock;
    this.#received = new TokenBucket(options, clock.monotonic());
    this.#sent = new TokenBucket(options, clock.monotonic());
    const chunk = Math.floor(options.rate / CHUNKS_PER_SECOND);
    this.#chunk = Math.min(LARGEST_CHUNK, Math.max(SMALLEST_CHUNK, chunk));
  }

  /** The limit as one channel keeps to it. */
  forChannel(): ChannelBandwidth {
    return new ChannelBandwidth(this.#clock, this.#received, this.#sent, this.#chunk);
  }
}

/** What one channel may receive and send. */
export class ChannelBandwidth {
  /** How much to read or write at once, in bytes. */
  readonly chunk: number;
  readonly #clock: Clock;
  readonly #received: TokenBucket;
  readonly #sent: TokenBucket;
  /** The waits that go on; at most one in each direction. */
  readonly #waits = new Set<{ readonly timer: Timer; readonly resolve: () => void }>();
  #closed = false;

  constructor(clock: Clock, received: TokenBucket, sent: TokenBucket, chunk: number) {
    this.#clock = clock;
    this.#received = received;
    this.#sent = sent;
    this.chunk = chunk;
  }

  /** Counts what was read. */
  noteReceived(bytes: number): void {
    this.#received.take(bytes, this.#clock.monotonic());
  }

  /** Resolves when more may be read, or the channel is closed. */
  mayReceive(): Promise<void> {
    return this.#whenPaid(this.#received);
  }

  /** Counts what was written, and resolves when more may be, or the channel is closed. */
  sent(bytes: number): Promise<void> {
    this.#sent.take(bytes, this.#clock.monotonic());
    return this.#whenPaid(this.#sent);
  }

  /** Ends all waits, and those that are still to come. */
  close(): void {
    this.#closed = true;
    for (const { timer, resolve } of this.#waits) {
      timer.cancel();
      resolve();
    }
    this.#waits.clear();
  }

  /** Meanwhile other channels may have taken what there was. */
  async #whenPaid(bucket: TokenBucket): Promise<void> {
    for (;;) {
      const delay = bucket.wait(this.#clock.monotonic());
      if (delay === 0 || this.#closed) return;
      await new Promise<void>((resolve) => {
        const wait = {
          resolve,
          timer: this.#clock.setTimer(() => {
            this.#waits.delete(wait);
            resolve();
          }, delay),
        };
        this.#waits.add(wait);
      });
    }
  }
}
