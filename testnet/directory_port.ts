/**
 * An authority's directory port: plain HTTP, as other relays use it.
 *
 * @module
 */
import { answerBytes, DirectoryRequestReader, type DirectoryService } from "./directory_http.ts";
import { Tasks } from "./tasks.ts";

/** The port; disposing of it closes every connection. */
export class DirectoryPort implements AsyncDisposable {
  readonly port: number;
  readonly #service: DirectoryService;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #tasks = new Tasks();

  /** Listens on any free port of the address. */
  constructor(hostname: string, service: DirectoryService) {
    this.#service = service;
    this.#listener = Deno.listen({ hostname, port: 0 });
    this.port = this.#listener.addr.port;
    this.#tasks.add(this.#accept());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of [...this.#connections]) this.#close(conn);
    await this.#tasks.idle();
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      this.#connections.add(conn);
      this.#tasks.add(this.#serve(conn));
    }
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    try {
      const reader = new DirectoryRequestReader();
      const buffer = new Uint8Array(16 * 1024);
      for (;;) {
        const length = await conn.read(buffer);
        if (length === null) return;
        const request = reader.push(buffer.subarray(0, length));
        if (request === undefined) continue;
        for await (const piece of answerBytes(await this.#service.answer(request))) {
          for (let at = 0; at < piece.length;) at += await conn.write(piece.subarray(at));
        }
        return;
      }
    } catch {
      // A request that is no good, or a peer that has gone: the connection ends, as it does anyway.
    } finally {
      this.#close(conn);
    }
  }

  #close(conn: Deno.TcpConn): void {
    if (this.#connections.delete(conn)) conn.close();
  }
}
