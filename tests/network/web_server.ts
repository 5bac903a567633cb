/**
 * A small HTTP/1.1 server on loopback, for exits to reach. One request a connection.
 *
 * | request                  | answer                                                           |
 * | ------------------------ | ---------------------------------------------------------------- |
 * | GET /bytes/N?seed=S      | the body of N bytes with that seed (0 unless said)                |
 * | GET /close-early/N?seed= | declares N bytes, sends half of them, closes                      |
 * | GET /endless             | declares nothing and sends until the client goes                  |
 * | GET /steady?seed=S       | the same, but 500 bytes every 50 ms                               |
 * | POST /hash               | JSON: `length` and `sha256` of the request's body                 |
 *
 * @module
 */
import { createHash } from "node:crypto";
import { ByteReader, writeAll } from "./byte_reader.ts";
import { bodyPieces } from "./test_body.ts";

/** What GET /steady sends, in bytes, and how often, in milliseconds. */
const STEADY = { length: 500, interval: 50 } as const;

/** What the server knows of one connection. */
export interface WebConnection {
  /** Bytes handed to the operating system so far. */
  sent: number;
}

/** The server; disposing of it closes every connection. */
export class WebServer implements AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** Of all connections so far, in the order in which they came. */
  readonly connections: WebConnection[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #open = new Map<Deno.TcpConn, Promise<void>>();
  readonly #accepting: Promise<void>;

  /** Listens on any free port of the address. */
  constructor(hostname: string) {
    this.#listener = Deno.listen({ hostname, port: 0 });
    this.hostname = hostname;
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept();
  }

  /** Resolves when no connection is open any more. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const conn of this.#open.keys()) closeQuietly(conn);
    await this.idle();
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      const served = this.#serve(conn).finally(() => {
        closeQuietly(conn);
        this.#open.delete(conn);
      });
      this.#open.set(conn, served);
    }
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    const connection: WebConnection = { sent: 0 };
    this.connections.push(connection);
    const send = async (bytes: Uint8Array) => {
      await writeAll(conn, bytes);
      connection.sent += bytes.length;
    };
    try {
      conn.setNoDelay(true);
      const reader = new ByteReader(conn);
      const head = await reader.head();
      if (head === null) return;
      const [method, target] = head.split(" ");
      await answer(method, new URL(target, "http://web"), head, reader, send);
    } catch (error) {
      // Clients that go early are among what is tested; the tests see it at the other end.
      if (!isDisconnect(error)) throw error;
    }
  }
}

async function answer(
  method: string,
  url: URL,
  head: string,
  reader: ByteReader,
  send: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const [, action, argument] = url.pathname.split("/");
  const length = Number(argument);
  const seed = Number(url.searchParams.get("seed") ?? 0);
  switch (`${method} ${action}`) {
    case "GET bytes":
      await send(responseHead(200, length));
      for (const piece of bodyPieces(length, seed)) await send(piece);
      return;
    case "GET close-early":
      await send(responseHead(200, length));
      for (const piece of bodyPieces(Math.floor(length / 2), seed)) await send(piece);
      return;
    case "GET endless":
      await send(responseHead(200));
      for (const piece of bodyPieces(Infinity, seed)) await send(piece);
      return;
    case "GET steady":
      await send(responseHead(200));
      for (const piece of bodyPieces(Infinity, seed)) {
        for (let at = 0; at < piece.length; at += STEADY.length) {
          await send(piece.subarray(at, at + STEADY.length));
          await new Promise((wake) => setTimeout(wake, STEADY.interval));
        }
      }
      return;
    case "POST hash": {
      const result = new TextEncoder().encode(JSON.stringify(await hashBody(head, reader)));
      await send(responseHead(200, result.length));
      await send(result);
      return;
    }
    default:
      await send(responseHead(404, 0));
  }
}

async function hashBody(
  head: string,
  reader: ByteReader,
): Promise<{ length: number; sha256: string }> {
  const declared = Number(head.match(/^content-length: (\d+)/im)?.[1] ?? 0);
  const hash = createHash("sha256");
  let length = 0;
  while (length < declared) {
    const bytes = await reader.some();
    if (bytes === null) break;
    hash.update(bytes);
    length += bytes.length;
  }
  return { length, sha256: hash.digest("hex") };
}

function responseHead(status: number, length?: number): Uint8Array {
  const declared = length === undefined ? "" : `Content-Length: ${length}\r\n`;
  return new TextEncoder().encode(
    `HTTP/1.1 ${status} Said\r\nConnection: close\r\n${declared}\r\n`,
  );
}

function isDisconnect(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.NotConnected;
}

function closeQuietly(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
