/**
 * An application that asks for a connection and then takes nothing of what arrives on it. Real ones
 * would first have the system's buffers filled, whose size no test can know.
 *
 * @module
 */
import { type Network, type SocketAddress, SystemNetwork } from "../../src/runtime/network.ts";

/** Whatever is longer than a SOCKS reply waits until the connection is closed. */
const LONGEST_TAKEN = 32;

/** A network on which applications take the SOCKS replies and nothing more. */
export class StuckApplications implements Network {
  readonly #system = new SystemNetwork();
  /** Whether it is so for connections that are accepted from now on. */
  stuck = true;

  connect(address: SocketAddress, signal?: AbortSignal): Promise<Deno.TcpConn> {
    return this.#system.connect(address, signal);
  }

  listen(address: SocketAddress): Deno.TcpListener {
    const listener = this.#system.listen(address);
    return new Proxy(listener, {
      get: (target, key) => {
        if (key === "accept") {
          return async () => {
            const conn = await target.accept();
            return this.stuck ? stuckConnection(conn) : conn;
          };
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}

function stuckConnection(conn: Deno.TcpConn): Deno.TcpConn {
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  return new Proxy(conn, {
    get: (target, key) => {
      if (key === "write") {
        return (bytes: Uint8Array) =>
          bytes.length <= LONGEST_TAKEN ? target.write(bytes) : closed.promise;
      }
      if (key === "close") {
        return () => {
          closed.reject(new Deno.errors.Interrupted("closed while writing"));
          target.close();
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
