/**
 * Who may hold long pieces of key stream.
 *
 * @module
 */

/** A stream that holds a long piece. */
export interface LongPieceHolder {
  /** Gives the piece up; it is made again when it is needed. */
  trim(): void;
}

/** What a long piece and a shorter one count, as they are long. */
const LONG_COUNTS = 8;
const SHORTER_COUNTS = 1;

/**
 * Bounds how many streams hold long pieces, without any clock: when all are taken, the stream that
 * has needed a new piece for the longest gives its own up, unless all have needed one lately.
 */
export class LongPieces {
  readonly #limit: number;
  /** The holders with the {@link #made} of their last request, the longest ago first. */
  readonly #holders = new Map<LongPieceHolder, number>();
  /** How much key stream was made for all who asked, in shorter pieces. */
  #made = 0;

  /** @param limit how many streams may hold one */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many streams hold one. */
  get size(): number {
    return this.#holders.size;
  }

  /** Whether `holder` may make a long piece now; if not, it makes a shorter one. */
  request(holder: LongPieceHolder): boolean {
    if (!this.#holders.delete(holder) && this.#holders.size >= this.#limit) {
      const [[eldest, asked]] = this.#holders;
      // As many equally busy streams again as there may be would need this much in between.
      if (this.#made - asked <= 2 * this.#limit * LONG_COUNTS) {
        this.#made += SHORTER_COUNTS;
        return false;
      }
      eldest.trim();
    }
    this.#made += LONG_COUNTS;
    this.#holders.set(holder, this.#made);
    return true;
  }

  /** Says that `holder` holds none any more. */
  release(holder: LongPieceHolder): void {
    this.#holders.delete(holder);
  }
}
