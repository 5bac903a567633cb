/**
 * Accepts applications' connections at one door, and bounds what they may cost.
 *
 * @module
 */
import { describeError } from "../errors/tor_error.ts";
import { Logger, scrub } from "../observe/log.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { WarningLimit } from "./warning_limit.ts";

/** Most connections at a time. */
const MAX_CONNECTIONS = 4096;
/** How long no connection is accepted after the system refused to give one, in ms. */
const ACCEPT_BACKOFF = 250;
/** Least time between two warnings of a kind, in ms. */
const WARNING_INTERVAL = 60_000;

const log = new Logger("proxy");

/** A connection that is served. */
export interface ServedConnection {
  /** Resolves when everything of this connection is closed; never rejects. */
  readonly done: Promise<void>;
  /** Closes at once, whatever is under way. Closing twice does nothing. */
  abort(): void;
}

/** Where connections come from: TCP or a Unix socket. */
export type ConnectionSource = Pick<Deno.Listener<Deno.Conn>, "accept" | "close">;

/** What a {@link StreamListener} works with. */
export interface StreamListenerParts {
  /** For warnings, as "SocksPort". */
  readonly name: string;
  readonly clock: Clock;
  /** Whether an application may connect from an IP address; not asked where there is none. */
  readonly isAccepted: (address: string) => boolean;
  /**
   * Serves a connection, and closes it in the end.
   *
   * @param clientAddress the application's IP address; empty where it has none
   * @param onRequest to be called when the application has shown that it wants something
   */
  readonly serve: (
    conn: Deno.Conn,
    clientAddress: string,
    onRequest: () => void,
  ) => ServedConnection;
  /**
   * Most connections at a time; 4,096 unless said. One more makes the oldest that has not sent its
   * request give way, or is closed itself if there is none.
   */
  readonly maxConnections?: number;
}

/** A door for connections that is open. */
export class StreamListener {
  readonly #source: ConnectionSource;
  readonly #parts: StreamListenerParts;
  readonly #warnings: WarningLimit;
  readonly #connections = new Set<ServedConnection>();
  /** Those that have not sent their request yet, the oldest first. */
  readonly #halfOpen = new Set<ServedConnection>();
  readonly #closing = new AbortController();
  readonly #accepting: Promise<void>;

  /** Begins to accept. */
  constructor(source: ConnectionSource, parts: StreamListenerParts) {
    this.#source = source;
    this.#parts = parts;
    this.#warnings = new WarningLimit(parts.clock, WARNING_INTERVAL);
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
      this.#source.close();
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
    const { name, clock } = this.#parts;
    while (!signal.aborted) {
      try {
        this.#admit(await this.#source.accept());
      } catch (error) {
        if (signal.aborted) return;
        // An application that left before it was accepted.
        if (error instanceof Deno.errors.ConnectionAborted) continue;
        if (this.#warnings.pass("accept")) {
          log.warn(`The ${name} cannot accept connections now: ${describeError(error)}`);
        }
        // Out of file descriptors, most likely: one that has asked for nothing can be spared.
        this.#oldestHalfOpen()?.abort();
        await sleep(clock, ACCEPT_BACKOFF, signal).catch(() => {});
      }
    }
  }

  #admit(conn: Deno.Conn): void {
    if (this.#closing.signal.aborted) return conn.close();
    const { name, isAccepted, serve } = this.#parts;
    const clientAddress = addressOf(conn);
    if (clientAddress !== "" && !isAccepted(clientAddress)) {
      conn.close();
      if (this.#warnings.pass("policy")) {
        log.notice(`The ${name} refuses ${scrub(clientAddress)}, because of SocksPolicy`);
      }
      return;
    }
    if (this.#connections.size >= (this.#parts.maxConnections ?? MAX_CONNECTIONS)) {
      const oldest = this.#oldestHalfOpen();
      if (oldest === undefined) return conn.close();
      this.#halfOpen.delete(oldest);
      oldest.abort();
    }
    disableNagle(conn);
    const connection: ServedConnection = serve(
      conn,
      clientAddress,
      () => this.#halfOpen.delete(connection),
    );
    this.#connections.add(connection);
    this.#halfOpen.add(connection);
    connection.done.then(() => this.#forget(connection));
  }

  #oldestHalfOpen(): ServedConnection | undefined {
    return this.#halfOpen.values().next().value;
  }

  #forget(connection: ServedConnection): void {
    this.#connections.delete(connection);
    this.#halfOpen.delete(connection);
  }
}

/** The IP address of the other end; empty for a Unix socket, which has none. */
function addressOf(conn: Deno.Conn): string {
  return "hostname" in conn.remoteAddr ? conn.remoteAddr.hostname : "";
}

function disableNagle(conn: Deno.Conn): void {
  if (!("setNoDelay" in conn) || typeof conn.setNoDelay !== "function") return;
  try {
    conn.setNoDelay(true);
  } catch {
    // The application is gone already, which the first read will find.
  }
}
