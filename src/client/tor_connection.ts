/**
 * A connection through Tor, to be used like one of Deno's own.
 *
 * @module
 */
import type { ByteStream } from "../runtime/byte_stream.ts";
import type { SocketAddress } from "../runtime/network.ts";

/** Read at once for {@link TorConnection.readable} where the reader brings no buffer, in bytes. */
const CHUNK = 16 * 1024;

/**
 * A two-way stream of bytes through Tor. It has what a `Deno.Conn` has but for `ref` and `unref`.
 *
 * Tor has no half-close: {@link closeWrite} ends what this side writes, but the other side does not
 * see an end before the connection is closed as a whole; and when the other side has ended, nothing
 * can be written any more.
 */
export class TorConnection implements Omit<Deno.Conn, "ref" | "unref">, AsyncDisposable {
  /** What was asked for; a name stands as it was given. */
  readonly remoteAddr: Deno.NetAddr;
  /** Where the exit connects from is not known: always 0.0.0.0 and port 0. */
  readonly localAddr: Deno.NetAddr = { transport: "tcp", hostname: "0.0.0.0", port: 0 };
  readonly #stream: ByteStream;
  readonly #onData: (() => void) | undefined;
  /** What has arrived and was not asked for yet; valid until the stream is read again. */
  #left: Uint8Array | null = new Uint8Array(0);
  readonly #reads = new Turns();
  readonly #writes = new Turns();
  #closed = false;
  #writeClosed = false;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;

  /**
   * @ignore Connections come from {@link TorClient.connect}.
   * @param onData called for each piece that is carried, either way
   */
  constructor(stream: ByteStream, { hostname, port }: SocketAddress, onData?: () => void) {
    this.#stream = stream;
    this.#onData = onData;
    this.remoteAddr = { transport: "tcp", hostname, port };
  }

  /**
   * Waits until something has arrived, and puts as much of it into `buffer` as there is room for.
   * Reads that overlap are done one after the other.
   *
   * @returns how many bytes; `null` at the end
   * @throws StreamError when the connection was cut off; Deno.errors.BadResource when it is closed
   */
  read(buffer: Uint8Array): Promise<number | null> {
    return this.#reads.run(() => this.#read(buffer));
  }

  /**
   * Sends all of `bytes`; resolves when they are on their way, which waits for the flow control of
   * Tor. Leave them alone until then.
   *
   * @returns how many bytes they are
   * @throws StreamError when the connection was cut off; Deno.errors.BadResource when it is closed
   */
  write(bytes: Uint8Array): Promise<number> {
    return this.#writes.run(async () => {
      if (this.#closed || this.#writeClosed) throw closed();
      await this.#stream.write(bytes);
      this.#onData?.();
      return bytes.length;
    });
  }

  /**
   * Nothing can be written any more when this resolves, and all that was written is on its way. The
   * other side is not told.
   */
  async closeWrite(): Promise<void> {
    await this.#writes.run(() => {
      this.#writeClosed = true;
      return Promise.resolve();
    });
  }

  /** Ends both directions at once; what was not taken yet is lost. Closing twice does nothing. */
  close(): void {
    this.#closed = true;
    this.#left = null;
    this.#stream.close();
  }

  /** What arrives; it is not asked for before it is read. Cancelling it closes the connection. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#readable ??= new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: CHUNK,
      pull: (controller) => this.#pull(controller),
      cancel: () => this.close(),
    });
    return this.#readable;
  }

  /**
   * Takes what is to be sent, and waits for the flow control of Tor. Closing it is
   * {@link closeWrite}; aborting it closes the connection.
   */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    this.#writable ??= new WritableStream({
      write: async (chunk) => void await this.write(chunk),
      close: () => this.closeWrite(),
      abort: () => this.close(),
    });
    return this.#writable;
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Waits until all that was written is on its way, and closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writes.done;
    this.close();
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    if (this.#closed) throw closed();
    if (buffer.length === 0) return 0;
    if (this.#left?.length === 0) {
      const arrived = await this.#stream.read();
      if (this.#closed) throw closed();
      this.#left = arrived;
      this.#onData?.();
    }
    if (this.#left === null) return null;
    const taken = this.#left.subarray(0, buffer.length);
    buffer.set(taken);
    this.#left = this.#left.subarray(taken.length);
    return taken.length;
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    const request = controller.byobRequest;
    const view = request?.view;
    if (request === null || !view) return;
    const buffer = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const length = await this.read(buffer);
    // A read that was waiting when the stream was cancelled has nobody to answer.
    if (length === null) {
      controller.close();
      request.respond(0);
    } else {
      request.respond(length);
    }
  }
}

/** Actions one after the other. */
class Turns {
  /** Resolves when all of them so far are done. */
  done: Promise<unknown> = Promise.resolve();

  /** Runs `action` after those before it, whatever became of them. */
  run<Result>(action: () => Promise<Result>): Promise<Result> {
    const result = this.done.then(action);
    this.done = result.catch(() => {});
    return result;
  }
}

function closed(): Error {
  return new Deno.errors.BadResource("the connection is closed");
}
