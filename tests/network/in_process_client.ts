/**
 * chive as a client in the test's own process, where its circuits can be looked at.
 *
 * @module
 */
import type { CongestionObserver } from "../../src/circuit/congestion_control.ts";
import { RunningClient } from "../../src/client/running_client.ts";
import { buildConfig } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { abortable } from "../../src/runtime/deadline.ts";
import { type Runtime, systemRuntime } from "../../src/runtime/runtime.ts";
import type { ClientNetwork } from "./client_process.ts";
import { freePort } from "./free_port.ts";
import { type Endpoint, socks5Connect } from "./socks_client.ts";

/** How to start a client. */
export interface InProcessOptions {
  /** One that an earlier client has left; a new one unless given. */
  readonly dataDirectory?: string;
  /** More lines for its torrc. */
  readonly more?: readonly string[];
  /** What it gets in place of the system's clock, randomness and network. */
  readonly runtime?: Partial<Runtime>;
  readonly congestionObserver?: CongestionObserver;
}

/** The longest that a client may take to join, in milliseconds. */
const BOOTSTRAP_TIMEOUT = 60_000;

/** A client; disposing of it stops it. */
export class InProcessClient implements AsyncDisposable {
  readonly tor: RunningClient;
  readonly dataDirectory: string;

  private constructor(tor: RunningClient, dataDirectory: string) {
    this.tor = tor;
    this.dataDirectory = dataDirectory;
  }

  /** Starts a client of the network; {@link bootstrapped} tells when it has joined. */
  static async start(
    network: ClientNetwork,
    options: InProcessOptions = {},
  ): Promise<InProcessClient> {
    const dataDirectory = options.dataDirectory ?? await network.makeDirectory("chive");
    const torrc = network.clientTorrc({
      dataDirectory,
      socksPort: freePort("127.0.0.1"),
      more: options.more,
    });
    const { config } = buildConfig([parseTorrc(torrc, "torrc")]);
    const tor = await RunningClient.start(
      config,
      { ...systemRuntime(), ...options.runtime },
      options.congestionObserver,
    );
    return new InProcessClient(tor, dataDirectory);
  }

  /** Its SOCKS port. */
  get socks(): Endpoint {
    return this.tor.socksAddresses[0];
  }

  /**
   * Resolves when it has built its first circuit.
   *
   * @throws DOMException TimeoutError after a minute
   */
  async bootstrapped(): Promise<void> {
    const { bootstrap } = this.tor;
    if (bootstrap.done) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = bootstrap.onProgress(({ percent }) => percent === 100 && resolve());
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new DOMException("the client did not join", "TimeoutError")),
      BOOTSTRAP_TIMEOUT,
    );
    try {
      await abortable(promise, late.signal);
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  /**
   * Opens a connection through it.
   *
   * @param isolation streams of different names never share a circuit
   * @throws SocksRefusal
   */
  connect(target: Endpoint, isolation: string): Promise<Deno.TcpConn> {
    return socks5Connect(this.socks, target, { username: isolation, password: "" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tor.stop();
  }
}
