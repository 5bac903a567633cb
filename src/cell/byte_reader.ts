/**
 * A cursor over received bytes that never reads past their end.
 *
 * @module
 */
import { CellError } from "./errors.ts";

/** Reads big-endian fields one after another; views, not copies. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  /** @param what the name of what is read, for error messages */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** How many bytes have not been read. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /**
   * A view of the next `length` bytes.
   *
   * @throws CellError `cell-truncated` when there are fewer
   */
  bytes(length: number): Uint8Array {
    if (length > this.remaining) {
      throw new CellError(
        "cell-truncated",
        `${this.#what}: ${length} bytes wanted, ${this.remaining} left`,
      );
    }
    const view = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return view;
  }

  /** A view of everything not read. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  uint8(): number {
    return this.bytes(1)[0];
  }

  uint16(): number {
    const [high, low] = this.bytes(2);
    return high << 8 | low;
  }

  uint32(): number {
    const [a, b, c, d] = this.bytes(4);
    return (a << 24 | b << 16 | c << 8 | d) >>> 0;
  }
}
