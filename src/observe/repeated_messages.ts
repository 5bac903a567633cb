/**
 * Messages that may come again and again, written once in a while and counted in between.
 *
 * @module
 */

/** Milliseconds in which a kind of message is written once. */
const WINDOW = 10 * 60_000;

/** The most kinds that are remembered. */
const MOST_KINDS = 256;

interface Kind {
  /** When it was written last, in the clock's ms. */
  writtenAt: number;
  /** How many were not written since. */
  withheld: number;
}

/**
 * Lets the first message of a kind through and withholds those like it for ten minutes. The next
 * one that is let through says how many those were: "... (12 more like this in the last 10 minutes)".
 */
export class RepeatedMessages {
  readonly #now: () => number;
  readonly #window: number;
  // In the order of the last writing.
  readonly #kinds = new Map<string, Kind>();

  /**
   * @param now ms that never run backwards
   * @param window milliseconds in which a kind of message is written once
   */
  constructor(now: () => number, window = WINDOW) {
    this.#now = now;
    this.#window = window;
  }

  /**
   * Writes a message, or counts it.
   *
   * @param kind messages of one kind are like each other
   * @param write gets the text that is to be written
   */
  say(kind: string, message: string, write: (text: string) => void): void {
    const now = this.#now();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now - known.writtenAt < this.#window) {
      known.withheld++;
      return;
    }
    this.#kinds.delete(kind);
    this.#kinds.set(kind, { writtenAt: now, withheld: 0 });
    if (this.#kinds.size > MOST_KINDS) this.#forgetOldest();
    write(known === undefined ? message : message + remark(known, now));
  }

  #forgetOldest(): void {
    for (const kind of this.#kinds.keys()) {
      this.#kinds.delete(kind);
      return;
    }
  }
}

function remark({ withheld, writtenAt }: Kind, now: number): string {
  if (withheld === 0) return "";
  const minutes = Math.round((now - writtenAt) / 60_000);
  const time = minutes <= 1 ? "minute" : `${minutes} minutes`;
  return ` (${withheld} more like this in the last ${time})`;
}
