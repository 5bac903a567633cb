/**
 * The last log lines that somebody should see, for those who look at a page instead of a log.
 *
 * @module
 */
import type { LogEntry } from "./log_line.ts";

/** Lines that are kept unless another number is given. */
const LINES = 50;

/** A bounded number of lines, the newest ones. */
export class RecentLines {
  readonly #limit: number;
  readonly #lines: LogEntry[] = [];
  #total = 0;

  /** @param limit how many lines are kept */
  constructor(limit = LINES) {
    this.#limit = limit;
  }

  /** The oldest one first. */
  get lines(): readonly LogEntry[] {
    return this.#lines;
  }

  /** How many there ever were. */
  get total(): number {
    return this.#total;
  }

  /** Counts a line that must not be kept. */
  countOnly(): void {
    this.#total++;
  }

  /** Keeps a line; the oldest one is forgotten when there are too many. */
  add({ time, level, category, message }: LogEntry): void {
    this.#total++;
    this.#lines.push({ time, level, category, message });
    if (this.#lines.length > this.#limit) this.#lines.shift();
  }
}
