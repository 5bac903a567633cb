/**
 * One application's connection to the SOCKS port, from its first byte to its last.
 *
 * @module
 */
import { describeError, TorError } from "../errors/tor_error.ts";
import { Logger, scrub } from "../observe/log.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import { formatAddress } from "../runtime/network.ts";
import { EarlyData } from "../stream/early_data.ts";
import type { Isolation, ResolvedAnswer, StreamOpener } from "../stream/opener.ts";
import { SocksDecoder, type SocksOutcome } from "./socks_decoder.ts";
import { encodeAnswer, encodeReply, Socks5Reply, socks5ReplyFor } from "./socks_replies.ts";
import type { SocksRequest } from "./socks_request.ts";
import { discard, download, Upload, writeAll } from "./transfer.ts";

/** Read at once during the handshake, in bytes; small, because there may be many at a time. */
const HANDSHAKE_READ = 1024;

/**
 * How long an application that is let go may take to close its side, in ms. Closing before it has
 * would make the system send a reset, which can destroy the reply on its way.
 */
const LINGER = 2000;

const log = new Logger("proxy");

/** What a connection needs from its listener. */
export interface SocksService {
  readonly opener: StreamOpener;
  readonly clock: Clock;
  /** How long the application may take for its request, in ms. */
  readonly handshakeTimeout: number;
  /** What is said to an application that speaks HTTP. */
  readonly httpRefusal: Uint8Array;
  /** The isolation of a request from an address. */
  isolation(clientAddress: string, request: SocksRequest): Isolation;
  /** Called for each piece of data that an application's connection carries, either way. */
  readonly onData: (() => void) | undefined;
}

/** Serves one connection, and closes it. */
export class SocksConnection {
  /** Resolves when everything of this connection is closed; never rejects. */
  readonly done: Promise<void>;

  readonly #conn: Deno.TcpConn;
  readonly #service: SocksService;
  /** Aborted when nobody wants the stream any more: the application left, or we close. */
  readonly #unwanted = new AbortController();
  #lingering: Timer | undefined;
  #closed = false;

  /** @param onRequest called when the application's request has arrived, or is refused */
  constructor(conn: Deno.TcpConn, service: SocksService, onRequest: () => void) {
    this.#conn = conn;
    this.#service = service;
    this.done = this.#run(onRequest);
  }

  /** Closes at once, whatever is under way. Closing twice does nothing. */
  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lingering?.cancel();
    this.#unwanted.abort();
    this.#conn.close();
  }

  async #run(onRequest: () => void): Promise<void> {
    try {
      const outcome = await this.#handshake();
      if (outcome === undefined || this.#closed) return;
      onRequest();
      await this.#serve(outcome);
    } catch (error) {
      log.debug(`SOCKS connection ended: ${describeError(error)}`);
    } finally {
      this.abort();
    }
  }

  /** Reads the request within the time for it; `undefined` when the application left. */
  async #handshake(): Promise<SocksOutcome | undefined> {
    const timer = this.#service.clock.setTimer(() => {
      log.info("Closed a SOCKS connection that did not send its request in time");
      this.abort();
    }, this.#service.handshakeTimeout);
    try {
      const decoder = new SocksDecoder();
      const buffer = new Uint8Array(HANDSHAKE_READ);
      for (let received = 0;;) {
        const length = await this.#conn.read(buffer);
        if (length === null) {
          // One that said nothing at all only looked whether the port is open.
          if (received > 0) log.info("A SOCKS connection ended before its request was complete");
          return undefined;
        }
        received += length;
        const { reply, outcome } = decoder.push(buffer.subarray(0, length));
        await writeAll(this.#conn, reply);
        if (outcome !== undefined) return outcome;
      }
    } finally {
      timer.cancel();
    }
  }

  async #serve(outcome: SocksOutcome): Promise<void> {
    switch (outcome.kind) {
      case "http":
        log.info("Answered an HTTP request to the SOCKS port with a page that explains the port");
        await writeAll(this.#conn, this.#service.httpRefusal);
        return await this.#letGo(discard(this.#conn));
      case "refused":
        log.info(`Refused a SOCKS request [${outcome.code}]`);
        return await this.#letGo(discard(this.#conn));
      case "request":
        return outcome.request.command === "connect"
          ? await this.#connect(outcome.request, outcome.early)
          : await this.#lookUp(outcome.request);
    }
  }

  /** Serves CONNECT. */
  async #connect(request: SocksRequest, sent: Uint8Array): Promise<void> {
    const early = new EarlyData();
    early.append(sent);
    const opening = this.#open(request, early);
    const upload = new Upload(this.#conn, early, opening, this.#service.onData);
    const uploaded = upload.run().then((ended) => {
      if (ended) this.#applicationLeft();
      return ended;
    });
    // Whoever reads first, all that the application still sends is read, until it ends.
    const drained = uploaded.then((ended) => ended || discard(this.#conn));

    let stream: ByteStream;
    try {
      stream = await opening;
    } catch (error) {
      upload.stop();
      return await this.#fail(request, error, drained);
    }
    const close = () => stream.close();
    this.#unwanted.signal.addEventListener("abort", close);
    try {
      if (this.#unwanted.signal.aborted) return;
      log.debug(`Opened a stream to ${describeTarget(request)} for SOCKS${request.version}`);
      await writeAll(this.#conn, encodeReply(request.version, Socks5Reply.Succeeded));
      await download(stream, this.#conn, this.#service.onData);
    } catch (error) {
      log.debug(`The stream of a SOCKS connection failed: ${describeError(error)}`);
    } finally {
      upload.stop();
      stream.close();
      this.#unwanted.signal.removeEventListener("abort", close);
    }
    await this.#letGo(drained);
  }

  /** Opens the stream; from then on nothing is early. */
  async #open(request: SocksRequest, early: EarlyData): Promise<ByteStream> {
    const { destination: { kind, host }, port } = request;
    const isolation = this.#service.isolation(this.#conn.remoteAddr.hostname, request);
    const { signal } = this.#unwanted;
    try {
      return await this.#service.opener.open({ kind, host, port }, isolation, early, signal);
    } finally {
      early.close();
    }
  }

  /** Serves RESOLVE and RESOLVE_PTR. */
  async #lookUp(request: SocksRequest): Promise<void> {
    const drained = discard(this.#conn).then((ended) => {
      if (ended) this.#applicationLeft();
    });
    let answers: ResolvedAnswer[];
    try {
      answers = await this.#answers(request);
    } catch (error) {
      return await this.#fail(request, error, drained);
    }
    await writeAll(this.#conn, encodeAnswer(request.version, answers));
    await this.#letGo(drained);
  }

  async #answers(request: SocksRequest): Promise<ResolvedAnswer[]> {
    const { opener } = this.#service;
    const { kind, host } = request.destination;
    const isolation = this.#service.isolation(this.#conn.remoteAddr.hostname, request);
    const { signal } = this.#unwanted;
    if (request.command === "resolve-ptr") {
      return await opener.resolveReverse(host, isolation, signal);
    }
    // The address of an address needs no one else.
    if (kind !== "name") return [{ kind, value: host, ttl: 0 }];
    return await opener.resolve(host, isolation, signal);
  }

  /** Tells the application what went wrong, unless it is gone. */
  async #fail(request: SocksRequest, error: unknown, drained: Promise<unknown>): Promise<void> {
    if (this.#unwanted.signal.aborted) return;
    if (error instanceof TorError) {
      log.info(`A SOCKS request for ${describeTarget(request)} failed: ${describeError(error)}`);
    } else {
      log.warn(
        `A SOCKS request for ${describeTarget(request)} failed unexpectedly: ` +
          scrub(describeError(error)),
      );
    }
    const reply = socks5ReplyFor(error instanceof TorError ? error.code : "");
    await writeAll(this.#conn, encodeReply(request.version, reply));
    await this.#letGo(drained);
  }

  /** The application ended its side; Tor has no half-close, so that ends the other side too. */
  #applicationLeft(): void {
    this.#unwanted.abort();
    this.#linger();
  }

  /** Ends our side, and gives the application a little time to end its own. */
  async #letGo(drained: Promise<unknown>): Promise<void> {
    this.#linger();
    await this.#conn.closeWrite();
    await drained;
  }

  #linger(): void {
    if (this.#closed) return;
    this.#lingering ??= this.#service.clock.setTimer(() => this.abort(), LINGER);
  }
}

/** What was asked for, for a log: the destination itself only if SafeLogging is off. */
function describeTarget({ command, destination: { host }, port }: SocksRequest): string {
  return scrub(command === "connect" ? formatAddress({ hostname: host, port }) : host);
}
