/**
 * Carries bytes between an application's connection and its stream. All that the application sends
 * is read here, from the end of its request on.
 *
 * @module
 */
import type { ByteStream } from "../runtime/byte_stream.ts";
import type { EarlyData } from "../stream/early_data.ts";

/** Read at once while the application sends little: 8 relay cells of 498 bytes. */
const SMALL_READ = 8 * 498;
/** Read at once from an application that fills the small buffer: 64 relay cells, 31,872 bytes. */
const LARGE_READ = 64 * 498;
/** A large buffer of which less is filled is given back: the application has little left to send. */
const LEAST_FILLED = LARGE_READ / 2;
/** How many large buffers are kept for the next who needs one. */
const MAX_SPARES = 8;
/** Most bytes that are read and dropped from an application that is being let go. */
const MAX_DISCARDED = 1024 * 1024;

/** Large buffers that nobody reads into. */
const spares: Uint8Array<ArrayBuffer>[] = [];

/** The side of a connection that bytes are read from, as of a Deno.Conn. */
export type Source = Pick<Deno.Conn, "read">;
/** The side of a connection that bytes are written to, as of a Deno.Conn. */
export type Sink = Pick<Deno.Conn, "write">;

/** Writes all of `bytes`, in as many writes as the system needs. */
export async function writeAll(conn: Sink, bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray(await conn.write(rest));
}

/**
 * The application's bytes on their way into the stream: into the early data until that is closed
 * or full, then into the stream, each read waiting for the write before.
 */
export class Upload {
  readonly #conn: Source;
  readonly #early: EarlyData;
  readonly #opening: Promise<ByteStream>;
  readonly #onData: (() => void) | undefined;
  #stopped = false;

  /**
   * @param opening rejects when the stream cannot be opened, which ends the upload
   * @param onData called for each piece that is read
   */
  constructor(
    conn: Source,
    early: EarlyData,
    opening: Promise<ByteStream>,
    onData?: () => void,
  ) {
    this.#conn = conn;
    this.#early = early;
    this.#opening = opening;
    this.#onData = onData;
  }

  /** Ends the upload with the read that it waits for or does next, and drops what that gives. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Carries until an end; never rejects.
   *
   * @returns true when the application ended its side or is gone; false when {@link stop} was
   * called or the stream takes nothing (more), for a reason that the stream's reader learns too
   */
  async run(): Promise<boolean> {
    // A thousand applications that wait for something to say must not hold a large buffer each.
    const small = new Uint8Array(SMALL_READ);
    let buffer = small;
    let stream: ByteStream | undefined;
    for (;;) {
      try {
        if (this.#early.room === 0) stream ??= await this.#opening;
        const limit = stream === undefined ? this.#early.room : buffer.length;
        const length = await readOrEnd(this.#conn, buffer.subarray(0, limit));
        if (length === null) return true;
        if (this.#stopped) return false;
        this.#onData?.();
        const bytes = buffer.subarray(0, length);
        if (stream === undefined && this.#early.append(bytes)) continue;
        stream ??= await this.#opening;
        await stream.write(bytes);
        if (buffer === small) {
          if (length === SMALL_READ) buffer = spares.pop() ?? new Uint8Array(LARGE_READ);
        } else if (length < LEAST_FILLED) {
          if (spares.length < MAX_SPARES) spares.push(buffer);
          buffer = small;
        }
      } catch {
        return false;
      }
    }
  }
}

/**
 * Carries what arrives on the stream to the application, until the stream ends. The stream is not
 * read while the application has not taken what was read before.
 *
 * @param onData called for each piece that has arrived
 * @throws the stream's error, or the connection's
 */
export async function download(
  stream: ByteStream,
  conn: Sink,
  onData?: () => void,
): Promise<void> {
  for (;;) {
    const bytes = await stream.read();
    if (bytes === null) return;
    onData?.();
    await writeAll(conn, bytes);
  }
}

/**
 * Reads and drops what the application still sends: until it ends its side (true), or until it
 * has sent too much (false).
 */
export async function discard(conn: Source): Promise<boolean> {
  const buffer = new Uint8Array(SMALL_READ);
  for (let left = MAX_DISCARDED; left > 0;) {
    const length = await readOrEnd(conn, buffer);
    if (length === null) return true;
    left -= length;
  }
  return false;
}

/** Reads; an error, such as a reset by the application, is an end like any other. */
async function readOrEnd(conn: Source, buffer: Uint8Array<ArrayBuffer>): Promise<number | null> {
  try {
    return await conn.read(buffer);
  } catch {
    return null;
  }
}
