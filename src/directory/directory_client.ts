/**
 * Fetches one document from one directory server, within limits of time and size.
 *
 * @module
 */
import { describeError } from "../errors/tor_error.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import { decompress } from "./decompress.ts";
import { DirectoryError } from "./errors.ts";
import { encodeRequest, HttpResponseReader } from "./http.ts";
import type { DocumentRequest } from "./requests.ts";
import type { TrafficCounter } from "./traffic.ts";
import { type DirectoryServer, type DirectoryTransport, serverAddress } from "./transport.ts";

/** How slow a directory server may be. */
export interface DownloadLimits {
  /** From the first step to the last byte, in ms. */
  readonly total: number;
  /** In every stretch of this many ms ... */
  readonly stretch: number;
  /** ... at least this many bytes must arrive, or the answer's end. */
  readonly bytesPerStretch: number;
}

/**
 * The limits in force: no pause longer than a minute, or than configured where that is shorter. A
 * modem's 300 bytes a second is still fast enough.
 *
 * @param maxStall the configured longest pause, in ms (C tor: TestingDirConnectionMaxStall)
 */
export function downloadLimits(maxStall: number): DownloadLimits {
  return { total: 15 * 60_000, stretch: Math.min(maxStall, 60_000), bytesPerStretch: 2048 };
}

/** What came of a request. */
export type FetchResult =
  | {
    readonly kind: "document";
    readonly document: Uint8Array;
    /** How far the server's clock is ahead of ours, in ms, if it told its time. */
    readonly clockSkew: number | undefined;
  }
  /** The server has nothing newer (304). */
  | { readonly kind: "not-modified"; readonly clockSkew: number | undefined };

/** What the fetch has come to, for progress reports. */
export interface FetchObserver {
  /** The directory stream is open and the request is on its way. */
  onRequested?(): void;
  /** The head of an answer has arrived, whatever it says. */
  onAnswered?(): void;
  /** A document has begun to arrive. */
  onLoading?(): void;
}

/** Fetches documents through the transport given from above. */
export class DirectoryClient {
  readonly #transport: DirectoryTransport;
  readonly #clock: Clock;
  readonly #limits: DownloadLimits;
  readonly #traffic: TrafficCounter | undefined;

  /** @param traffic counts what is sent and received */
  constructor(
    transport: DirectoryTransport,
    clock: Clock,
    limits: DownloadLimits,
    traffic?: TrafficCounter,
  ) {
    this.#transport = transport;
    this.#clock = clock;
    this.#limits = limits;
    this.#traffic = traffic;
  }

  /**
   * Fetches a document; redirections are not followed, and only 200 and 304 are answers.
   *
   * @throws DirectoryError when the server fails in whatever way; the signal's reason when aborted
   */
  async fetch(
    server: DirectoryServer,
    request: DocumentRequest,
    signal: AbortSignal,
    observer: FetchObserver = {},
  ): Promise<FetchResult> {
    signal.throwIfAborted();
    const attempt = new AbortController();
    const onAbort = () => attempt.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const watch = new ProgressWatch(this.#clock, this.#limits, (error) => attempt.abort(error));
    try {
      const stream = await this.#open(server, attempt.signal);
      try {
        watch.restart();
        return await this.#exchange(stream, server, request, watch, attempt.signal, observer);
      } finally {
        stream.close();
      }
    } catch (error) {
      // Not only the stream: a circuit that is stuck must not be used for the next request.
      attempt.abort(error);
      throw error;
    } finally {
      watch.stop();
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #open(server: DirectoryServer, signal: AbortSignal): Promise<ByteStream> {
    const opening = this.#transport.open(server, signal);
    try {
      return await unlessAborted(opening, signal);
    } catch (error) {
      // One that opens after all is of no use any more.
      opening.then((late) => late.close(), () => undefined);
      if (signal.aborted) throw signal.reason;
      throw new DirectoryError(
        "directory-open-failed",
        `no directory stream could be opened: ${describeError(error)}`,
        { cause: error },
      );
    }
  }

  async #exchange(
    stream: ByteStream,
    server: DirectoryServer,
    request: DocumentRequest,
    watch: ProgressWatch,
    signal: AbortSignal,
    observer: FetchObserver,
  ): Promise<FetchResult> {
    const { path, ifModifiedSince, diffFrom, maxDocument } = request;
    const bytes = encodeRequest({ path, ifModifiedSince, diffFrom, host: serverAddress(server) });
    const reader = new HttpResponseReader(request.maxBody);
    const answer: Answer = { received: 0, at: undefined };
    let document: Uint8Array | undefined;
    try {
      await this.#readAnswer(stream, bytes, reader, answer, watch, signal, observer);
      const status = reader.head?.status;
      const date = reader.head?.date;
      const clockSkew = date !== undefined && answer.at !== undefined
        ? date - answer.at
        : undefined;
      if (status === 304 && ifModifiedSince !== undefined) {
        return { kind: "not-modified", clockSkew };
      }
      if (status !== undefined && status !== 200) {
        throw new DirectoryError(
          status === 503 ? "directory-http-busy" : "directory-http-status",
          `the directory server answered with HTTP status ${status}`,
        );
      }
      document = await decompress(reader.finish().body, maxDocument);
      return { kind: "document", document, clockSkew };
    } finally {
      this.#traffic?.add(request.what, bytes.length, answer.received, document);
    }
  }

  async #readAnswer(
    stream: ByteStream,
    request: Uint8Array,
    reader: HttpResponseReader,
    answer: Answer,
    watch: ProgressWatch,
    signal: AbortSignal,
    observer: FetchObserver,
  ): Promise<void> {
    try {
      await unlessAborted(stream.write(request), signal);
      observer.onRequested?.();
      for (let complete = false; !complete;) {
        const bytes = await unlessAborted(stream.read(), signal);
        if (bytes === null) break;
        watch.progress(bytes.length);
        answer.received += bytes.length;
        complete = reader.push(bytes);
        const status = reader.head?.status;
        if (status === undefined) continue;
        const isFirst = answer.at === undefined;
        answer.at ??= this.#clock.now();
        if (isFirst) observer.onAnswered?.();
        if (status !== 200) break;
        if (isFirst) observer.onLoading?.();
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof DirectoryError) throw error;
      throw new DirectoryError(
        "directory-http-cut-off",
        `the directory stream failed: ${describeError(error)}`,
        { cause: error },
      );
    }
  }
}

/** What has come of an answer so far. */
interface Answer {
  /** Bytes, the head included. */
  received: number;
  /** When the head was there, in ms since 1970: its Date is compared with this time. */
  at: number | undefined;
}

/** Fails a download that is too slow. */
class ProgressWatch {
  readonly #clock: Clock;
  readonly #limits: DownloadLimits;
  readonly #fail: (error: DirectoryError) => void;
  readonly #total: Timer;
  #stretch: Timer;
  #bytes = 0;

  constructor(clock: Clock, limits: DownloadLimits, fail: (error: DirectoryError) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#fail = fail;
    this.#total = clock.setTimer(() => {
      fail(
        new DirectoryError(
          "directory-timeout",
          `the download was not complete after ${limits.total / 1000} seconds`,
        ),
      );
    }, limits.total);
    this.#stretch = this.#startStretch();
  }

  /** Gives the next step a whole stretch of its own. */
  restart(): void {
    this.#stretch.cancel();
    this.#stretch = this.#startStretch();
  }

  progress(bytes: number): void {
    this.#bytes += bytes;
  }

  stop(): void {
    this.#total.cancel();
    this.#stretch.cancel();
  }

  #startStretch(): Timer {
    const { stretch, bytesPerStretch } = this.#limits;
    this.#bytes = 0;
    return this.#clock.setTimer(() => {
      if (this.#bytes >= bytesPerStretch) {
        this.#stretch = this.#startStretch();
        return;
      }
      this.#fail(
        new DirectoryError(
          "directory-too-slow",
          `only ${this.#bytes} bytes arrived in ${stretch / 1000} seconds`,
        ),
      );
    }, stretch);
  }
}

/** Waits for `promise`, but not longer than until the signal is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
