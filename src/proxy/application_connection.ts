/**
 * One application's connection to a door that opens streams, from its first byte to its last.
 *
 * @module
 */
import { describeError, TorError } from "../errors/tor_error.ts";
import { Logger, scrub } from "../observe/log.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import { formatAddress } from "../runtime/network.ts";
import { EarlyData } from "../stream/early_data.ts";
import type { ResolvedAnswer } from "../stream/opener.ts";
import type { ApplicationProtocol, HandshakeOutcome, Replies } from "./application_protocol.ts";
import type { Door } from "./door.ts";
import type { ServedConnection } from "./stream_listener.ts";
import type { StreamRequest } from "./stream_request.ts";
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
export interface ApplicationService {
  readonly protocol: ApplicationProtocol;
  readonly door: Door;
  readonly clock: Clock;
  /** How long the application may take for its request, in ms. */
  readonly handshakeTimeout: number;
  /** Called for each piece of data that an application's connection carries, either way. */
  readonly onData: (() => void) | undefined;
}

/** A request that was read, and how it is answered. */
interface Asked {
  readonly request: StreamRequest;
  readonly replies: Replies;
}

/** Serves one connection, and closes it. */
export class ApplicationConnection implements ServedConnection {
  readonly done: Promise<void>;

  readonly #conn: Deno.Conn;
  readonly #clientAddress: string;
  readonly #service: ApplicationService;
  /** Aborted when nobody wants the stream any more: the application left, or we close. */
  readonly #unwanted = new AbortController();
  #lingering: Timer | undefined;
  #closed = false;

  /**
   * @param clientAddress the application's IP address; empty where it has none
   * @param onRequest called when the application's request has arrived, or is refused
   */
  constructor(
    conn: Deno.Conn,
    clientAddress: string,
    service: ApplicationService,
    onRequest: () => void,
  ) {
    this.#conn = conn;
    this.#clientAddress = clientAddress;
    this.#service = service;
    this.done = this.#run(onRequest);
  }

  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lingering?.cancel();
    this.#unwanted.abort();
    this.#conn.close();
  }

  get #protocol(): string {
    return this.#service.protocol.name;
  }

  async #run(onRequest: () => void): Promise<void> {
    try {
      const outcome = await this.#handshake();
      if (outcome === undefined || this.#closed) return;
      onRequest();
      await this.#serve(outcome);
    } catch (error) {
      log.debug(`${this.#protocol} connection ended: ${describeError(error)}`);
    } finally {
      this.abort();
    }
  }

  /** Reads the request within the time for it; `undefined` when the application left. */
  async #handshake(): Promise<HandshakeOutcome | undefined> {
    const timer = this.#service.clock.setTimer(() => {
      log.info(`Closed a ${this.#protocol} connection that did not send its request in time`);
      this.abort();
    }, this.#service.handshakeTimeout);
    try {
      const handshake = this.#service.protocol.begin();
      const buffer = new Uint8Array(HANDSHAKE_READ);
      for (let received = 0;;) {
        const length = await this.#conn.read(buffer);
        if (length === null) {
          // One that said nothing at all only looked whether the port is open.
          if (received > 0) {
            log.info(`A ${this.#protocol} connection ended before its request was complete`);
          }
          return undefined;
        }
        received += length;
        const { reply, outcome } = handshake.push(buffer.subarray(0, length));
        await writeAll(this.#conn, reply);
        if (outcome !== undefined) return outcome;
      }
    } finally {
      timer.cancel();
    }
  }

  async #serve(outcome: HandshakeOutcome): Promise<void> {
    if (outcome.kind === "over") {
      log.info(outcome.reason);
      return await this.#letGo(discard(this.#conn));
    }
    return outcome.request.command === "connect"
      ? await this.#connect(outcome, outcome.early)
      : await this.#lookUp(outcome);
  }

  /** Serves "connect". */
  async #connect(asked: Asked, sent: Uint8Array): Promise<void> {
    const { request, replies } = asked;
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
      return await this.#fail(asked, error, drained);
    }
    const close = () => stream.close();
    this.#unwanted.signal.addEventListener("abort", close);
    try {
      if (this.#unwanted.signal.aborted) return;
      log.debug(`Opened a stream to ${describeTarget(request)} for ${request.protocol}`);
      await writeAll(this.#conn, replies.succeeded());
      await download(stream, this.#conn, this.#service.onData);
    } catch (error) {
      log.debug(`The stream of a ${this.#protocol} connection failed: ${describeError(error)}`);
    } finally {
      upload.stop();
      stream.close();
      this.#unwanted.signal.removeEventListener("abort", close);
    }
    await this.#letGo(drained);
  }

  /** Opens the stream; from then on nothing is early. */
  async #open(request: StreamRequest, early: EarlyData): Promise<ByteStream> {
    const { signal } = this.#unwanted;
    try {
      return await this.#service.door.open(request, this.#clientAddress, early, signal);
    } finally {
      early.close();
    }
  }

  /** Serves "resolve" and "resolve-ptr". */
  async #lookUp(asked: Asked): Promise<void> {
    const { request, replies } = asked;
    const { signal } = this.#unwanted;
    const drained = discard(this.#conn).then((ended) => {
      if (ended) this.#applicationLeft();
    });
    let answers: ResolvedAnswer[];
    try {
      answers = await this.#service.door.lookUp(request, this.#clientAddress, signal);
    } catch (error) {
      return await this.#fail(asked, error, drained);
    }
    await writeAll(this.#conn, replies.answered(answers));
    await this.#letGo(drained);
  }

  /** Tells the application what went wrong, unless it is gone. */
  async #fail(
    { request, replies }: Asked,
    error: unknown,
    drained: Promise<unknown>,
  ): Promise<void> {
    if (this.#unwanted.signal.aborted) return;
    const what = `A ${this.#protocol} request for ${describeTarget(request)} failed`;
    if (error instanceof TorError) log.info(`${what}: ${describeError(error)}`);
    else log.warn(`${what} unexpectedly: ${scrub(describeError(error))}`);
    await writeAll(this.#conn, replies.failed(error instanceof TorError ? error.code : ""));
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
function describeTarget({ command, destination: { host }, port }: StreamRequest): string {
  return scrub(command === "connect" ? formatAddress({ hostname: host, port }) : host);
}
