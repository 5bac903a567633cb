/**
 * A log file that does not grow without end.
 *
 * @module
 */
import type { LineWriter } from "./configure.ts";
import { ObserveError } from "./errors.ts";

/** How large a log file gets. */
export interface RotationOptions {
  /** Bytes from which a file is put aside; 0: never. */
  readonly maxSize: number;
  /** How many files that were put aside are kept; 0: the file is begun anew. */
  readonly keep: number;
}

/**
 * A file that is appended to. Before a line would make it larger than it may be, it is renamed to
 * `PATH.1`, the one that was called so to `PATH.2` and so on; the oldest one is overwritten. Where
 * files cannot be renamed, it says so once and goes on with the one that it has.
 */
export class LogFile implements LineWriter {
  readonly #path: string;
  readonly #rotation: RotationOptions;
  #file: Deno.FsFile;
  /** Bytes in it. */
  #size: number;
  /** Size from which it is put aside; grows when that did not work. */
  #limit: number;

  /**
   * Opens the file, or creates it with mode 0600.
   *
   * @throws ObserveError `log-file-unwritable`
   */
  constructor(path: string, rotation: RotationOptions) {
    this.#path = path;
    this.#rotation = rotation;
    this.#limit = rotation.maxSize === 0 ? Infinity : rotation.maxSize;
    try {
      this.#file = openForAppending(path);
    } catch (error) {
      throw new ObserveError(
        "log-file-unwritable",
        `cannot open the log file '${path}': ${reasonOf(error)}`,
        { cause: error },
      );
    }
    this.#size = this.#file.statSync().size;
  }

  /** Puts the file aside first if the line would make it too large. */
  beginLine(length: number): string | undefined {
    if (this.#size === 0 || this.#size + length <= this.#limit) return undefined;
    try {
      this.#putAside();
      this.#size = 0;
      this.#limit = this.#rotation.maxSize;
      return undefined;
    } catch (error) {
      // Not for every line again: the next try comes when as much has been written once more.
      this.#limit = this.#size + this.#rotation.maxSize;
      return `The log file is full and cannot be put aside: ${reasonOf(error)}`;
    }
  }

  writeSync(bytes: Uint8Array): number {
    const written = this.#file.writeSync(bytes);
    this.#size += written;
    return written;
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** From the oldest to the newest, so that a failure in between loses nothing. */
  #putAside(): void {
    const { keep } = this.#rotation;
    if (keep === 0) {
      this.#file.truncateSync(0);
      return;
    }
    for (let age = keep; age > 1; age--) renameIfThere(this.#aside(age - 1), this.#aside(age));
    renameIfThere(this.#path, this.#aside(1));
    const fresh = openForAppending(this.#path);
    this.#file.close();
    this.#file = fresh;
  }

  #aside(age: number): string {
    return `${this.#path}.${age}`;
  }
}

function openForAppending(path: string): Deno.FsFile {
  return Deno.openSync(path, { append: true, create: true, mode: 0o600 });
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function reasonOf(error: unknown): string {
  // What to do about a permission is said where the error is shown.
  if (error instanceof Deno.errors.NotCapable) return error.name;
  return error instanceof Error ? error.message : String(error);
}
