/**
 * fetch through Tor. Deno's own fetch is not used for it: it looks names up on this machine even
 * where it was given a proxy, and goes around the proxy where the environment has NO_PROXY.
 *
 * @module
 */
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Agent, buildConnector, Response as UndiciResponse } from "undici";
import { TorError } from "../errors/tor_error.ts";
import { ClientError } from "./errors.ts";
import type { ProcessDoor } from "./process_door.ts";
import { TlsConnector } from "./tls_connector.ts";
import { TorConnection } from "./tor_connection.ts";

/** Isolations whose connections are kept for further requests while no request uses them. */
const MOST_IDLE = 32;
/** How long a connection is kept for another request, in ms. */
const KEEP_ALIVE = 30_000;
/** Of answers that have no body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** What fetch is given besides the URL. */
export interface FetchInit extends RequestInit {
  /** Requests with another one share neither a circuit nor a connection. */
  readonly isolation?: string | undefined;
}

/** What a {@link TorFetch} works with. */
export interface TorFetchParts {
  readonly door: Pick<ProcessDoor, "connect">;
  /** Called for each piece of data that is carried, either way. */
  readonly onData: (() => void) | undefined;
  /** PEM; certificates of servers may be signed by these too. */
  readonly caCerts: readonly string[];
}

/** The connections of one isolation. */
interface Pool {
  readonly agent: Agent;
  /** Requests that wait for their answer. */
  waiting: number;
  /** To be closed when no request waits any more. */
  retired: boolean;
}

/** Requests of a client, each by the pool of its isolation. */
export class TorFetch {
  readonly #parts: TorFetchParts;
  readonly #tls: TlsConnector;
  readonly #pools = new Map<string, Pool>();
  /** Those that are closed when their last answer has been read. */
  readonly #closing = new Set<Agent>();
  #closed = false;

  constructor(parts: TorFetchParts) {
    this.#parts = parts;
    this.#tls = new TlsConnector(parts.caCerts);
  }

  /**
   * As the global fetch.
   *
   * @throws ClientError, ProxyError or StreamError where it is known why it failed; TypeError else;
   * the signal's reason when aborted
   */
  async fetch(input: string | URL | Request, init: FetchInit = {}): Promise<Response> {
    // It takes a moment to load, and not every program needs it.
    // Of a package in the form of CommonJS, a bundle has nothing but the default.
    const { default: undici } = await import("undici");
    if (this.#closed) throw new ClientError("client-stopped", "the client was stopped");
    const { isolation = "", ...rest } = init;
    const request = new Request(input, rest);
    const { protocol } = new URL(request.url);
    if (protocol !== "http:" && protocol !== "https:") {
      throw new ClientError("fetch-scheme-refused", "this is not fetched through Tor");
    }
    const body = await bodyOf(request, rest.body);
    const pool = this.#pool(isolation, (options) => new undici.Agent(options));
    pool.waiting++;
    try {
      const { method, redirect, signal } = request;
      const response = await undici.fetch(request.url, {
        method,
        headers: [...request.headers],
        body,
        redirect,
        signal,
        dispatcher: pool.agent,
        ...body === null ? {} : { duplex: "half" as const },
      });
      return ownResponse(response);
    } catch (error) {
      throw reasonOf(error) ?? error;
    } finally {
      pool.waiting--;
      if (pool.retired) this.#closeIfIdle(pool);
      this.#closeOldest();
    }
  }

  /** Requests from now on use new connections. */
  retire(): void {
    for (const [isolation, pool] of [...this.#pools]) this.#retire(isolation, pool);
  }

  /** Closes all connections, also those that bring an answer. */
  async close(): Promise<void> {
    this.#closed = true;
    const agents = [...[...this.#pools.values()].map(({ agent }) => agent), ...this.#closing];
    const stopped = new ClientError("client-stopped", "the client was stopped");
    await Promise.all(agents.map((agent) => agent.destroy(stopped)));
  }

  #pool(isolation: string, makeAgent: (options: Agent.Options) => Agent): Pool {
    const found = this.#pools.get(isolation);
    const pool = found ?? {
      agent: makeAgent({
        connect: this.#connector(isolation),
        keepAliveTimeout: KEEP_ALIVE,
        keepAliveMaxTimeout: KEEP_ALIVE,
        // As in Deno's fetch, how long to wait is for the caller's signal to say.
        headersTimeout: 0,
        bodyTimeout: 0,
      }),
      waiting: 0,
      retired: false,
    };
    // The last one of the map is the one that was used last.
    this.#pools.delete(isolation);
    this.#pools.set(isolation, pool);
    return pool;
  }

  #connector(isolation: string): buildConnector.connector {
    return (options, callback) => {
      this.#connect(options, isolation).then(
        (socket) => callback(null, socket),
        (error) => callback(error instanceof Error ? error : new Error(String(error)), null),
      );
    };
  }

  // The library says that it wants a socket of node:net, and uses what every Duplex has.
  async #connect({ hostname, port, protocol }: buildConnector.Options, isolation: string) {
    const host = hostname.replace(/^\[|\]$/g, "");
    const isTls = protocol === "https:";
    if (isTls) this.#tls.check(host);
    const address = { hostname: host, port: Number(port) || (isTls ? 443 : 80) };
    const stream = await this.#parts.door.connect(address, { isolation });
    const conn = new TorConnection(stream, address, this.#parts.onData);
    const duplex = Duplex.fromWeb(conn);
    // Whoever uses the socket sees what became of it.
    duplex.on("error", () => {});
    try {
      const socket = isTls ? await this.#tls.secure(duplex, host) : duplex;
      socket.once("close", () => conn.close());
      return socket as TLSSocket;
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  #closeOldest(): void {
    for (const [isolation, pool] of this.#pools) {
      if (this.#pools.size <= MOST_IDLE) return;
      if (pool.waiting === 0) this.#retire(isolation, pool);
    }
  }

  #retire(isolation: string, pool: Pool): void {
    this.#pools.delete(isolation);
    this.#closing.add(pool.agent);
    pool.retired = true;
    this.#closeIfIdle(pool);
  }

  #closeIfIdle({ waiting, agent }: Pool): void {
    if (waiting > 0 || agent.closed) return;
    const forget = () => void this.#closing.delete(agent);
    agent.close().then(forget, forget);
  }
}

/** What is sent: bytes with a length where they are known, else a stream. */
async function bodyOf(
  request: Request,
  given: RequestInit["body"],
): Promise<Uint8Array | ReadableStream | null> {
  if (request.body === null) return null;
  const isKnown = given !== undefined && given !== null && !(given instanceof ReadableStream) &&
    !(Symbol.asyncIterator in Object(given));
  return isKnown ? await request.bytes() : request.body;
}

/** By this Node's streams say that they can be read, and undici asks them before it errs them. */
const IS_READABLE = Symbol.for("nodejs.stream.readable");

/** The same answer as an object of Deno's own kind. */
function ownResponse(response: UndiciResponse): Response {
  const { status, statusText, headers, url, redirected } = response;
  const body = WITHOUT_BODY.has(status) ? null : response.body as ReadableStream | null;
  // Deno's streams do not say it: a body that is cut off or given up would never end.
  if (body !== null) Object.defineProperty(body, IS_READABLE, { value: true });
  const own = new Response(body, { status, statusText, headers: [...headers] });
  return Object.defineProperties(own, { url: { value: url }, redirected: { value: redirected } });
}

/** The error that is behind what fetch throws, if chive knows it. */
function reasonOf(error: unknown): TorError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TorError) return cause;
  }
  return undefined;
}
