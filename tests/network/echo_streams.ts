/**
 * Many streams at once through a SOCKS proxy, each of which sends a piece every second to a server
 * that echoes it, and checks every byte that comes back.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { writeAll } from "./byte_reader.ts";
import { type Endpoint, socks5Connect } from "./socks_client.ts";

/** How often each stream sends, in ms. */
const INTERVAL = 1000;
/** The longest that echoes may take to come after the last piece, in ms. */
const ECHO_TIMEOUT = 60_000;
/** Streams that are being opened at once. */
const OPENING_AT_ONCE = 50;
/** Bytes of which each stream sends from a place of its own on, over and over: a prime. */
const PATTERN_LENGTH = 65_521;

const PATTERN = new Uint8Array(2 * PATTERN_LENGTH);
for (let at = 0, state = 1; at < PATTERN_LENGTH; at++) {
  state = Math.imul(state, 1_103_515_245) + 12_345 | 0;
  PATTERN[at] = PATTERN[at + PATTERN_LENGTH] = state >>> 16;
}

/** Which streams. */
export interface EchoOptions {
  /** The SOCKS port. */
  readonly proxy: Endpoint;
  /** The echo server, as the exits must know it. */
  readonly target: Endpoint;
  readonly streams: number;
  /** Streams are spread over so many circuits, which isolation keeps apart. */
  readonly circuits: number;
}

/** How it went. */
export interface EchoResult {
  /** Bytes that were sent and came back, all of them right. */
  readonly bytes: number;
  /** From each piece to the end of its echo, in ms, sorted. */
  readonly latencies: readonly number[];
}

/** Open streams; disposing of them closes them. */
export class EchoStreams implements AsyncDisposable {
  readonly #streams: readonly EchoStream[];

  private constructor(streams: readonly EchoStream[]) {
    this.#streams = streams;
  }

  /**
   * Opens all streams, some at a time: the first of each circuit one by one, so that each circuit
   * is there for the others.
   *
   * @throws SocksRefusal when one cannot be opened
   */
  static async open(options: EchoOptions): Promise<EchoStreams> {
    const streams: EchoStream[] = [];
    try {
      while (streams.length < options.streams) {
        const first = streams.length;
        const some = first < options.circuits ? 1 : OPENING_AT_ONCE;
        const last = Math.min(options.streams, first + some);
        const indices = Array.from({ length: last - first }, (_, index) => first + index);
        streams.push(...await Promise.all(indices.map((index) => openOne(options, index))));
      }
    } catch (error) {
      for (const stream of streams) stream.close();
      throw error;
    }
    return new EchoStreams(streams);
  }

  /**
   * Has every stream send so many pieces, one a second, spread over the second, and waits for all
   * that is to come back.
   *
   * @throws Error when a byte is wrong, or does not come within a minute
   */
  async run(pieces: number, pieceLength: number): Promise<EchoResult> {
    const results = await Promise.all(
      this.#streams.map((stream, index) =>
        stream.run(pieces, pieceLength, INTERVAL * index / this.#streams.length)
      ),
    );
    return {
      bytes: this.#streams.length * pieces * pieceLength,
      latencies: results.flat().sort((a, b) => a - b),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await Promise.resolve();
  }
}

async function openOne(
  { proxy, target, circuits }: EchoOptions,
  index: number,
): Promise<EchoStream> {
  const auth = { username: `circuit ${index % circuits}`, password: "" };
  const conn = await socks5Connect(proxy, target, auth);
  conn.setNoDelay(true);
  return new EchoStream(conn, index);
}

class EchoStream {
  readonly #conn: Deno.TcpConn;
  readonly #offset: number;
  #sent = 0;
  #came = 0;
  #isClosed = false;

  constructor(conn: Deno.TcpConn, index: number) {
    this.#conn = conn;
    this.#offset = index * 9973;
  }

  /** @returns how long each piece took, in ms */
  async run(pieces: number, pieceLength: number, delay: number): Promise<number[]> {
    const sentAt: number[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = setTimeout(() => this.close(), INTERVAL * pieces + ECHO_TIMEOUT);
    try {
      const latencies = this.#receive(pieces, pieceLength, sentAt);
      // It is awaited below; should sending fail before, that is the error to be told.
      latencies.catch(() => undefined);
      const started = performance.now() + delay;
      for (let piece = 0; piece < pieces; piece++) {
        const wait = started + INTERVAL * piece - performance.now();
        await new Promise((wake) => timer = setTimeout(wake, Math.max(0, wait)));
        sentAt.push(performance.now());
        await writeAll(this.#conn, this.#bytesAt(this.#sent, pieceLength));
        this.#sent += pieceLength;
      }
      return await latencies;
    } finally {
      clearTimeout(timer);
      clearTimeout(late);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
  }

  async #receive(pieces: number, pieceLength: number, sentAt: number[]): Promise<number[]> {
    const buffer = new Uint8Array(16 * 1024);
    const latencies: number[] = [];
    const first = this.#came;
    while (latencies.length < pieces) {
      const length = await this.#conn.read(buffer);
      if (length === null) throw new Error(`the stream ended after ${this.#came} bytes`);
      const expected = this.#bytesAt(this.#came, length);
      if (Buffer.compare(buffer.subarray(0, length), expected) !== 0) {
        throw new Error(`a wrong byte came between ${this.#came} and ${this.#came + length}`);
      }
      this.#came += length;
      while (this.#came - first >= (latencies.length + 1) * pieceLength) {
        latencies.push(performance.now() - sentAt[latencies.length]);
      }
    }
    return latencies;
  }

  #bytesAt(place: number, length: number): Uint8Array {
    const start = (this.#offset + place) % PATTERN_LENGTH;
    return PATTERN.subarray(start, start + length);
  }
}

/** The value below which so much, 0 to 1, of sorted values lies. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}
