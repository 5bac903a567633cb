/**
 * The SOCKS port: accepts applications' connections and bounds what they may cost.
 *
 * @module
 */
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { formatAddress, type Network, type SocketAddress } from "../runtime/network.ts";
import type { StreamOpener } from "../stream/opener.ts";
import { ProxyError, type ProxyErrorCode } from "./errors.ts";
import { httpRefusal } from "./http_refusal.ts";
import { DEFAULT_ISOLATION, type IsolationFlags, isolationOf } from "./isolation.ts";
import { SocksConnection, type SocksService } from "./socks_connection.ts";

/** C tor's SocksTimeout, in ms. */
const HANDSHAKE_TIMEOUT = 120_000;
/** Most connections at a time. */
const MAX_CONNECTIONS = 4096;
/** How long no connection is accepted after the system refused to give one, in ms. */
const ACCEPT_BACKOFF = 250;
/** Least time between two warnings about that, in ms. */
const ACCEPT_WARNING_INTERVAL = 60_000;

const log = new Logger("proxy");

/** How a SOCKS port is opened. */
export interface SocksListenerOptions extends SocketAddress {
  /**
   * Listeners of one session group may share circuits (C tor: SessionGroup). Each has its own
   * unless said: its address.
   */
  readonly sessionGroup?: string;
  /** C tor's defaults unless said. */
  readonly isolation?: Partial<IsolationFlags>;
  /** How long an application may take to send its request, in ms; 2 minutes unless said. */
  readonly handshakeTimeout?: number;
  /** Called for each piece of data that an application's connection carries, either way. */
  readonly onData?: (() => void) | undefined;
  /**
   * Most connections at a time; 4,096 unless said. One more makes the oldest that has not sent its
   * request give way, or is closed itself if there is none.
   */
  readonly maxConnections?: number;
}

/** A SOCKS port that is open. */
export class SocksListener {
  /** The address that is listened on, with the real port. */
  readonly address: SocketAddress;

  readonly #listener: Deno.TcpListener;
  readonly #clock: Clock;
  readonly #service: SocksService;
  readonly #maxConnections: number;
  readonly #connections = new Set<SocksConnection>();
  /** Those that have not sent their request yet, the oldest first. */
  readonly #halfOpen = new Set<SocksConnection>();
  readonly #closing = new AbortController();
  readonly #accepting: Promise<void>;
  #warnedAt = -Infinity;

  /**
   * Opens the port and begins to accept.
   *
   * @throws ProxyError when the system does not let us listen there
   */
  constructor(
    network: Network,
    clock: Clock,
    opener: StreamOpener,
    options: SocksListenerOptions,
  ) {
    this.#listener = listen(network, options);
    const { hostname, port } = this.#listener.addr;
    this.address = { hostname, port };
    this.#clock = clock;
    this.#maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
    const flags = { ...DEFAULT_ISOLATION, ...options.isolation };
    const sessionGroup = options.sessionGroup ?? formatAddress(this.address);
    this.#service = {
      opener,
      clock,
      handshakeTimeout: options.handshakeTimeout ?? HANDSHAKE_TIMEOUT,
      onData: options.onData,
      httpRefusal: httpRefusal(this.address),
      isolation: (clientAddress, request) =>
        isolationOf(flags, sessionGroup, clientAddress, request),
    };
    this.#accepting = this.#accept();
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Stops accepting, closes the connections that have not sent a request yet, and waits for the
   * others to end. They are closed at once when `now` is aborted, also when it is already.
   */
  async close(now: AbortSignal): Promise<void> {
    const abortAll = () => this.#connections.forEach((connection) => connection.abort());
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#listener.close();
    }
    await this.#accepting;
    for (const connection of this.#halfOpen) connection.abort();
    now.addEventListener("abort", abortAll);
    if (now.aborted) abortAll();
    await Promise.all([...this.#connections].map((connection) => connection.done));
    now.removeEventListener("abort", abortAll);
  }

  async #accept(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#admit(await this.#listener.accept());
      } catch (error) {
        if (signal.aborted) return;
        // An application that left before it was accepted.
        if (error instanceof Deno.errors.ConnectionAborted) continue;
        this.#warn(error);
        // Out of file descriptors, most likely: one that has asked for nothing can be spared.
        this.#oldestHalfOpen()?.abort();
        await sleep(this.#clock, ACCEPT_BACKOFF, signal).catch(() => {});
      }
    }
  }

  #admit(conn: Deno.TcpConn): void {
    if (this.#closing.signal.aborted) return conn.close();
    if (this.#connections.size >= this.#maxConnections) {
      const oldest = this.#oldestHalfOpen();
      if (oldest === undefined) return conn.close();
      this.#halfOpen.delete(oldest);
      oldest.abort();
    }
    try {
      conn.setNoDelay(true);
    } catch {
      // The application is gone already, which the first read will find.
    }
    const connection: SocksConnection = new SocksConnection(
      conn,
      this.#service,
      () => this.#halfOpen.delete(connection),
    );
    this.#connections.add(connection);
    this.#halfOpen.add(connection);
    connection.done.then(() => this.#forget(connection));
  }

  #oldestHalfOpen(): SocksConnection | undefined {
    return this.#halfOpen.values().next().value;
  }

  #forget(connection: SocksConnection): void {
    this.#connections.delete(connection);
    this.#halfOpen.delete(connection);
  }

  #warn(error: unknown): void {
    const time = this.#clock.monotonic();
    if (time - this.#warnedAt < ACCEPT_WARNING_INTERVAL) return;
    this.#warnedAt = time;
    log.warn(`The SOCKS port cannot accept connections now: ${describeError(error)}`);
  }
}

function listen(network: Network, { hostname, port }: SocketAddress): Deno.TcpListener {
  try {
    return network.listen({ hostname, port });
  } catch (error) {
    const where = formatAddress({ hostname, port });
    throw new ProxyError(
      listenErrorCode(error),
      `cannot open the SOCKS port on ${where}: ${describeError(error)}`,
      { cause: error },
    );
  }
}

function listenErrorCode(error: unknown): ProxyErrorCode {
  if (error instanceof Deno.errors.AddrInUse) return "listen-address-in-use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "listen-address-unavailable";
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return "listen-not-permitted";
  }
  return "listen-failed";
}
