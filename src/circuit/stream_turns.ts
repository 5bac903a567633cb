/**
 * The streams of one circuit that have data to send and take turns.
 *
 * @module
 */

/** DATA messages that one stream may send before the next has its turn. */
const TURN = 16;

/** A stream with data to send. */
export interface PackagingStream {
  /**
   * Sends at most `limit` DATA messages.
   *
   * @returns whether more waits that the circuit could take
   */
  onPackage(limit: number): boolean;
}

/** What {@link StreamTurns} asks of its circuit. */
export interface StreamTurnsParts {
  /** Whether the circuit can take another DATA message. */
  readonly canGoOn: () => boolean;
  /** Called with what a stream threw, which ends the turns. */
  readonly onError: (cause: unknown) => void;
}

/** Gives the streams that wait their turns, so that none keeps the others from sending. */
export class StreamTurns {
  readonly #parts: StreamTurnsParts;
  readonly #waiting = new Set<PackagingStream>();
  #isRunning = false;

  constructor(parts: StreamTurnsParts) {
    this.#parts = parts;
  }

  /** A stream has data to send: it is called at once as far as the circuit can take it. */
  add(stream: PackagingStream): void {
    this.#waiting.add(stream);
    this.run();
  }

  /** A stream has gone. */
  delete(stream: PackagingStream): void {
    this.#waiting.delete(stream);
  }

  /** All streams have gone. */
  clear(): void {
    this.#waiting.clear();
  }

  /** Gives turns until all is sent or the circuit is full. */
  run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#waiting.size > 0 && this.#parts.canGoOn()) {
        for (const stream of this.#waiting) {
          this.#waiting.delete(stream);
          // Added again at the end of the set: the next in line comes first.
          if (stream.onPackage(TURN)) this.#waiting.add(stream);
          if (!this.#parts.canGoOn()) break;
        }
      }
    } catch (cause) {
      this.#parts.onError(cause);
    } finally {
      this.#isRunning = false;
    }
  }
}
