/**
 * A server on loopback that sends back whatever comes, for exits to reach.
 *
 * @module
 */
import { writeAll } from "./byte_reader.ts";

/** Bytes that are read at once. */
const BUFFER_LENGTH = 32 * 1024;

/** The server; disposing of it closes every connection. */
export class EchoServer implements AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const conn of this.#open.keys()) closeQuietly(conn);
    await Promise.all(this.#open.values());
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      const served = echo(conn).finally(() => {
        closeQuietly(conn);
        this.#open.delete(conn);
      });
      this.#open.set(conn, served);
    }
  }
}

async function echo(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(BUFFER_LENGTH);
  try {
    conn.setNoDelay(true);
    for (;;) {
      const length = await conn.read(buffer);
      if (length === null) return;
      await writeAll(conn, buffer.subarray(0, length));
    }
  } catch {
    // The other end has gone, or the server is being closed.
  }
}

function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It is closed.
  }
}
