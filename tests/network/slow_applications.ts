/**
 * Applications that take what arrives for them slowly. With real ones the system's buffers would
 * first have to be filled, whose size no test can know.
 *
 * @module
 */
import { type Network, type SocketAddress, SystemNetwork } from "../../src/runtime/network.ts";

/** How often a slow application takes something, in ms. */
const INTERVAL = 100;
/** Whatever is longer than a SOCKS reply is taken slowly. */
const LONGEST_TAKEN = 32;

/** A network on which the applications that connect while it is slow take so many bytes a second. */
export class SlowApplications implements Network {
  /** Bytes a second for connections that are accepted from now on; undefined for no limit. */
  rate: number | undefined;
  /** Bytes that slow applications have taken. */
  taken = 0;
  readonly #system = new SystemNetwork();

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
            return this.rate === undefined ? conn : this.#slow(conn, this.rate);
          };
        }
        return bound(target, key);
      },
    });
  }

  #slow(conn: Deno.TcpConn, rate: number): Deno.TcpConn {
    let isClosed = false;
    let wake: (() => void) | undefined;
    const write = async (bytes: Uint8Array) => {
      if (bytes.length <= LONGEST_TAKEN) return await conn.write(bytes);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, INTERVAL);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (isClosed) throw new Deno.errors.Interrupted("closed while writing");
      const length = await conn.write(bytes.subarray(0, rate * INTERVAL / 1000));
      this.taken += length;
      return length;
    };
    return new Proxy(conn, {
      get: (target, key) => {
        if (key === "write") return write;
        if (key === "close") {
          return () => {
            isClosed = true;
            wake?.();
            target.close();
          };
        }
        return bound(target, key);
      },
    });
  }
}

/** A property of an object as the object itself has it. */
function bound(target: object, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key, target);
  return typeof value === "function" ? value.bind(target) : value;
}
