/**
 * Trouble with the disk as a whole, which every write meets: it is said once and not by each.
 *
 * @module
 */
import { Logger } from "../observe/log.ts";

/** What the system calls it, and what a person understands. */
const TROUBLES: ReadonlyMap<unknown, string> = new Map([
  ["ENOSPC", "no space left on the disk"],
  ["EDQUOT", "the disk quota is used up"],
  ["EROFS", "the file system is read-only"],
  ["EIO", "the disk reports an error"],
]);

/** What is wrong with the disk as a whole; `undefined` when the error says nothing of that. */
export function diskTrouble(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const trouble = TROUBLES.get("code" in at ? at.code : undefined);
    if (trouble !== undefined) return trouble;
  }
  return undefined;
}

/** Says once that a disk takes no more, and once that it does again. */
export class DiskWatch {
  readonly #log = new Logger("state");
  /** The most bytes that did not fit since the disk was well; -1 while it is. */
  #failed = -1;

  /** Takes note of a write of `length` bytes that failed. */
  noteFailure(error: unknown, length: number): void {
    const trouble = diskTrouble(error);
    if (trouble === undefined) return;
    if (this.#failed < 0) {
      this.#log.warn(
        `Nothing can be saved in the data directory: ${trouble}. ` +
          "chive goes on with what it has in memory.",
      );
    }
    this.#failed = Math.max(this.#failed, length);
  }

  /** Takes note of a write of `length` bytes that worked: less than what failed proves nothing. */
  noteSuccess(length: number): void {
    if (this.#failed < 0 || length < this.#failed) return;
    this.#failed = -1;
    this.#log.notice("The data directory can be written to again.");
  }
}
