/**
 * How many connections may be being opened at once, and who waits for his turn.
 *
 * @module
 */

/** A limited number of places, given in the order in which they were asked for. */
export class AttemptSlots {
  readonly #limit: number;
  readonly #queue = new Set<() => void>();
  #taken = 0;

  /** @param limit 1 or more */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Places that are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** How many wait for a place. */
  get queued(): number {
    return this.#queue.size;
  }

  /**
   * Takes a place, as soon as there is one; disposing of the result gives it back.
   *
   * @throws the signal's reason when it is aborted before
   */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#taken < this.#limit) this.#taken++;
    else await this.#wait(signal);
    let isTaken = true;
    return {
      [Symbol.dispose]: () => {
        if (isTaken) this.#giveBack();
        isTaken = false;
      },
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#queue.delete(onTurn);
        reject(signal.reason);
      };
      this.#queue.add(onTurn);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** The first in the queue gets the place; it does not become free in between. */
  #giveBack(): void {
    for (const next of this.#queue) {
      this.#queue.delete(next);
      return next();
    }
    this.#taken--;
  }
}
