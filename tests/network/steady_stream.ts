/**
 * A connection through the client on which the web server sends a little at regular times, and
 * what becomes of it while relays fail.
 *
 * @module
 */
import { ByteReader, writeAll } from "./byte_reader.ts";
import { bodyPieces } from "./test_body.ts";

/** How a stream has ended. */
export interface StreamEnd {
  /** By the clock of `performance.now()`. */
  readonly at: number;
  /** "end" in good order, "reset" or whatever else the system said. */
  readonly how: string;
}

/** An open connection that carries a body without end, every byte of which is checked. */
export class SteadyStream implements AsyncDisposable {
  /** What the stream's isolation was called. */
  readonly isolation: string;
  readonly #conn: Deno.Conn;
  readonly #done: Promise<void>;
  readonly #waiters = new Set<() => void>();
  #received = 0;
  #end: StreamEnd | undefined;
  #wrong: Error | undefined;

  /**
   * Asks for the body; the first bytes of it have come when {@link progress} resolves.
   *
   * @param conn a connection to the web server
   */
  constructor(conn: Deno.Conn, isolation: string, seed: number) {
    this.isolation = isolation;
    this.#conn = conn;
    this.#done = this.#run(seed);
  }

  /** Bytes of the body so far, all of them right. */
  get received(): number {
    return this.#received;
  }

  /** How the stream has ended; `undefined` while it is open. */
  get end(): StreamEnd | undefined {
    return this.#end;
  }

  /**
   * Resolves when a byte more has come ("alive"), or the stream has ended ("ended").
   *
   * @param timeout milliseconds after which it is "silent"
   * @throws Error when a wrong byte came
   */
  async progress(timeout: number): Promise<"alive" | "ended" | "silent"> {
    const before = this.#received;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeout);
    this.#waiters.add(resolve);
    if (this.#end === undefined) await promise;
    this.#waiters.delete(resolve);
    clearTimeout(timer);
    if (this.#wrong !== undefined) throw this.#wrong;
    if (this.#received > before) return "alive";
    return this.#end === undefined ? "silent" : "ended";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    close(this.#conn);
    await this.#done;
  }

  async #run(seed: number): Promise<void> {
    let how = "end";
    try {
      await writeAll(
        this.#conn,
        new TextEncoder().encode(`GET /steady?seed=${seed} HTTP/1.1\r\nHost: web\r\n\r\n`),
      );
      const reader = new ByteReader(this.#conn);
      if (await reader.head() !== null) await this.#check(reader, seed);
    } catch (error) {
      how = error instanceof Deno.errors.ConnectionReset ? "reset" : String(error);
    }
    close(this.#conn);
    this.#end = { at: performance.now(), how };
    this.#wake();
  }

  async #check(reader: ByteReader, seed: number): Promise<void> {
    const pieces = bodyPieces(Infinity, seed);
    let expected = new Uint8Array(0);
    for (let bytes = await reader.some(); bytes !== null; bytes = await reader.some()) {
      for (let at = 0; at < bytes.length;) {
        if (expected.length === 0) expected = pieces.next().value ?? expected;
        const length = Math.min(expected.length, bytes.length - at);
        for (let index = 0; index < length; index++) {
          if (bytes[at + index] === expected[index]) continue;
          this.#wrong = new Error(`byte ${this.#received + index} of the stream is wrong`);
          return;
        }
        expected = expected.subarray(length);
        this.#received += length;
        at += length;
      }
      this.#wake();
    }
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
