/**
 * One application's connection for DNS over TCP (RFC 7766): each message comes after two bytes with
 * its length, and answers go out in whatever order they are found.
 *
 * @module
 */
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { DnsResolver } from "./dns_resolver.ts";
import type { ServedConnection } from "./stream_listener.ts";
import { writeAll } from "./transfer.ts";

/** How long a connection may be silent while nothing is being answered, in ms. */
const IDLE_TIMEOUT = 30_000;
/** Questions of one connection that are being answered at one time; then no more are read. */
const MOST_PENDING = 32;
/** The longest message, in bytes. */
const LONGEST_MESSAGE = 65_535;
/** Read at first, in bytes; more only for an application that sends a long message. */
const SMALL_BUFFER = 1024;

const log = new Logger("proxy");

/** What a connection needs from its listener. */
export interface DnsService {
  readonly resolver: DnsResolver;
  readonly clock: Clock;
}

/** Serves one connection, and closes it. */
export class DnsConnection implements ServedConnection {
  readonly done: Promise<void>;

  readonly #conn: Deno.Conn;
  readonly #clientAddress: string;
  readonly #service: DnsService;
  readonly #unwanted = new AbortController();
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(SMALL_BUFFER);
  #filled = 0;
  /** The answers on their way, and the wake-up of the reader that waits for them. */
  readonly #pending = new Set<Promise<void>>();
  /** Answers are written one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #idle: Timer | undefined;
  #closed = false;

  /** @param onRequest called with each message that has arrived */
  constructor(
    conn: Deno.Conn,
    clientAddress: string,
    service: DnsService,
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
    this.#idle?.cancel();
    this.#unwanted.abort();
    this.#conn.close();
  }

  async #run(onRequest: () => void): Promise<void> {
    try {
      for (;;) {
        const message = await this.#receive();
        if (message === undefined) break;
        onRequest();
        this.#answer(message);
        while (this.#pending.size >= MOST_PENDING) await Promise.race(this.#pending);
      }
      await Promise.all(this.#pending);
    } catch (error) {
      log.debug(`DNS connection ended: ${describeError(error)}`);
    } finally {
      this.abort();
      await Promise.all(this.#pending);
    }
  }

  /** The next message, as bytes of its own; undefined at the end of the connection. */
  async #receive(): Promise<Uint8Array | undefined> {
    for (;;) {
      const needed = this.#filled < 2 ? 2 : 2 + (this.#buffer[0] << 8 | this.#buffer[1]);
      if (this.#filled >= 2 && this.#filled >= needed) {
        const message = this.#buffer.slice(2, needed);
        this.#buffer.copyWithin(0, needed, this.#filled);
        this.#filled -= needed;
        return message;
      }
      if (needed > this.#buffer.length) this.#growBuffer();
      this.#watchIdle();
      const length = await this.#conn.read(this.#buffer.subarray(this.#filled));
      this.#idle?.cancel();
      if (length === null) return undefined;
      this.#filled += length;
    }
  }

  #growBuffer(): void {
    const larger = new Uint8Array(2 + LONGEST_MESSAGE);
    larger.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = larger;
  }

  #watchIdle(): void {
    this.#idle = this.#service.clock.setTimer(() => {
      // What is being answered has a time limit of its own.
      if (this.#pending.size > 0) return this.#watchIdle();
      log.info("Closed a DNS connection that was silent for too long");
      this.abort();
    }, IDLE_TIMEOUT);
  }

  #answer(message: Uint8Array): void {
    const answered = this.#answerAndSend(message)
      .catch(() => this.abort())
      .finally(() => this.#pending.delete(answered));
    this.#pending.add(answered);
  }

  async #answerAndSend(message: Uint8Array): Promise<void> {
    const { resolver } = this.#service;
    const { signal } = this.#unwanted;
    const response = await resolver.answer(message, this.#clientAddress, signal);
    if (response === undefined || this.#closed) return;
    const framed = new Uint8Array(2 + response.length);
    new DataView(framed.buffer).setUint16(0, response.length);
    framed.set(response, 2);
    this.#writing = this.#writing.then(() => writeAll(this.#conn, framed));
    await this.#writing;
  }
}
