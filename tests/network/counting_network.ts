/**
 * The machine's network with every attempt to connect counted, and with a switch that takes it away.
 *
 * @module
 */
import { abortable } from "../../src/runtime/deadline.ts";
import { type Network, type SocketAddress, SystemNetwork } from "../../src/runtime/network.ts";
import { writeAll } from "./byte_reader.ts";

/** What becomes of connections. */
export type NetworkState =
  /** They work. */
  | "up"
  /** They end, and new ones fail at once: this machine has no route. */
  | "unreachable"
  /** They end, and new ones fail at once: nobody listens. */
  | "refused"
  /** They stay, and nothing ever comes or goes, nor do new ones fail: all packets are lost. */
  | "silent";

/** Bytes that are taken from a connection at once. */
const BUFFER_LENGTH = 65_536;

/** A network that can be taken away. Its connections go by way of this object. */
export class CountingNetwork implements Network, AsyncDisposable {
  /** When each attempt was made, by the clock that was given. */
  readonly attempts: number[] = [];
  readonly #system = new SystemNetwork();
  readonly #open = new Map<Deno.TcpConn, Promise<void>>();
  readonly #now: () => number;
  #state: NetworkState = "up";
  #passable = Promise.withResolvers<void>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#passable.resolve();
  }

  get state(): NetworkState {
    return this.#state;
  }

  /** Takes the network away, or brings it back. */
  set state(state: NetworkState) {
    if (state === "silent" && this.#state !== "silent") this.#passable = Promise.withResolvers();
    this.#state = state;
    if (state !== "silent") this.#passable.resolve();
    if (state === "unreachable" || state === "refused") this.#cut();
  }

  async connect(address: SocketAddress, signal?: AbortSignal): Promise<Deno.TcpConn> {
    this.attempts.push(this.#now());
    switch (this.#state) {
      case "up":
        return await this.#connectByWayOf(address, signal);
      case "unreachable":
        throw new Deno.errors.NetworkUnreachable("Network is unreachable (os error 101)");
      case "refused":
        throw new Deno.errors.ConnectionRefused("Connection refused (os error 111)");
      case "silent":
        return await abortable(Promise.withResolvers<Deno.TcpConn>().promise, signal);
    }
  }

  listen(address: SocketAddress): Deno.TcpListener {
    return this.#system.listen(address);
  }

  /** How many attempts were made in each of `count` intervals of `length` from `start` on. */
  series(start: number, length: number, count: number): number[] {
    const series = new Array<number>(count).fill(0);
    for (const at of this.attempts) {
      const index = Math.floor((at - start) / length);
      if (index >= 0 && index < count) series[index]++;
    }
    return series;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.state = "refused";
    await Promise.all(this.#open.values());
  }

  async #connectByWayOf(address: SocketAddress, signal?: AbortSignal): Promise<Deno.TcpConn> {
    const far = await this.#system.connect(address, signal);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const { hostname, port } = listener.addr;
    const given = await this.#system.connect({ hostname, port });
    const near = await accepted;
    near.setNoDelay(true);
    for (const [from, to] of [[near, far], [far, near]]) {
      const passing = this.#pass(from, to).finally(() => {
        close(from);
        close(to);
        this.#open.delete(from);
      });
      this.#open.set(from, passing);
    }
    return given;
  }

  async #pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(BUFFER_LENGTH);
    try {
      for (;;) {
        const length = await from.read(buffer);
        await this.#passable.promise;
        if (length === null) return;
        await writeAll(to, buffer.subarray(0, length));
      }
    } catch {
      // Either end may be closed at any time, by its owner or by the switch.
    }
  }

  #cut(): void {
    for (const conn of this.#open.keys()) close(conn);
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
