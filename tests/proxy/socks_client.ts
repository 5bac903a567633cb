/**
 * An application that speaks SOCKS, byte by byte as a test says.
 *
 * @module
 */
import type { SocketAddress } from "../../src/runtime/network.ts";

/** A TCP connection with reads of exact lengths. */
export class SocksClient implements Disposable {
  readonly #conn: Deno.TcpConn;
  #closed = false;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async connect({ hostname, port }: SocketAddress): Promise<SocksClient> {
    return new SocksClient(await Deno.connect({ hostname, port }));
  }

  /** Sends bytes, in which text and numbers may be mixed. */
  async send(...parts: (string | readonly number[] | Uint8Array)[]): Promise<void> {
    let rest = wire(...parts);
    while (rest.length > 0) rest = rest.subarray(await this.#conn.write(rest));
  }

  /** Reads exactly `length` bytes, as hexadecimal digits. */
  async hex(length: number): Promise<string> {
    return (await this.read(length)).toHex();
  }

  /** Reads exactly `length` bytes, or fewer when the connection ends before. */
  async read(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const count = await this.#conn.read(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  /** Reads to the end of the connection; a reset rejects. */
  async rest(): Promise<Uint8Array> {
    return new Uint8Array(await new Response(this.#readable()).arrayBuffer());
  }

  /** Ends our side, and leaves the other open. */
  async end(): Promise<void> {
    await this.#conn.closeWrite();
  }

  close(): void {
    if (!this.#closed) this.#conn.close();
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      pull: async (controller) => {
        const buffer = new Uint8Array(65536);
        const count = await this.#conn.read(buffer);
        if (count === null) return controller.close();
        controller.enqueue(buffer.subarray(0, count));
      },
    });
  }
}

/** Bytes from numbers, text and other bytes. */
export function wire(
  ...parts: (string | readonly number[] | Uint8Array)[]
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const pieces = parts.map((part) =>
    typeof part === "string" ? encoder.encode(part) : Uint8Array.from(part)
  );
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** A SOCKS5 handshake without authentication up to a request to a name, 443 unless said. */
export function connectTo(name: string, command = 1, port = 443): Uint8Array<ArrayBuffer> {
  return wire([5, 1, 0, 5, command, 0, 3, name.length], name, [port >> 8, port & 255]);
}

/** The answers to {@link connectTo} when it succeeds, as hexadecimal digits: 12 bytes. */
export const CONNECTED = "050005000001000000000000";
