/**
 * Reads a connection in exact counts and up to marks.
 *
 * @module
 */

/** Bytes asked of the connection in one read. */
const BUFFER_LENGTH = 262_144;

/** The most that is looked through for a mark, in bytes. */
const LONGEST_HEAD = 65_536;

/** A connection with what was read from it and not yet taken. */
export class ByteReader {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(BUFFER_LENGTH);
  #start = 0;
  #end = 0;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** The next bytes, as many as there are, valid until the next call; `null` at the end. */
  async some(): Promise<Uint8Array | null> {
    if (this.#start === this.#end && !await this.#more()) return null;
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return bytes;
  }

  /**
   * All up to and with an empty line, as text; `null` when the connection ends before the first byte.
   *
   * @throws Error when it ends in the middle, or the text is over 64 KiB
   */
  async head(): Promise<string | null> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#buffer.subarray(this.#start, this.#end));
      const mark = text.indexOf("\r\n\r\n");
      if (mark >= 0) {
        this.#start += mark + 4;
        return text.slice(0, mark + 4);
      }
      if (text.length > LONGEST_HEAD) throw new Error("no empty line in 64 KiB");
      if (!await this.#more()) {
        if (text === "") return null;
        throw new Error(`the connection ended after ${text.length} bytes of a head`);
      }
    }
  }

  async #more(): Promise<boolean> {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    const count = await this.#conn.read(this.#buffer.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }
}

/**
 * Reads exactly `length` bytes and not one more.
 *
 * @throws Deno.errors.UnexpectedEof when the connection ends before
 */
export async function readExactly(conn: Deno.Conn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await conn.read(bytes.subarray(at));
    if (count === null) {
      throw new Deno.errors.UnexpectedEof(`the connection ended after ${at} of ${length} bytes`);
    }
    at += count;
  }
  return bytes;
}

/** Writes all of `bytes`. */
export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}
