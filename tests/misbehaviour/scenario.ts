/**
 * A client among relays of which some misbehave: the start of both, downloads through them, and
 * what can be seen of the client from outside.
 *
 * @module
 */
import assert from "node:assert/strict";
import { RunningClient } from "../../src/client/running_client.ts";
import { buildConfig } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { abortable } from "../../src/runtime/deadline.ts";
import { SystemClock } from "../../src/runtime/clock.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { EmbeddedNetwork, type EmbeddedNetworkOptions } from "../../testnet/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { httpGet, type HttpResult } from "../network/http_client.ts";
import { type Endpoint, socks5Connect } from "../network/socks_client.ts";
import { bodySha256 } from "../network/test_body.ts";
import { WebServer } from "../network/web_server.ts";
import { LogWatch } from "./log_watch.ts";

/** The web server's name, which only the exits know. */
export const WEB_NAME = "web.test.example";

/** The longest that anything may take that a test waits for, in ms. */
const PATIENCE = 30_000;

/** Which network, and what client on it. */
export interface ScenarioOptions extends EmbeddedNetworkOptions {
  /** More lines for the client's torrc. */
  readonly torrc?: readonly string[];
  /** Parts of the client's runtime in place of the system's clock and network. */
  readonly runtime?: Partial<Runtime>;
  /** Whether to wait until the client can be used; true unless given. */
  readonly bootstrap?: boolean;
}

/** A network, a client on it and a web server behind the exits; disposing of it ends all of it. */
export class Scenario implements AsyncDisposable {
  readonly network: EmbeddedNetwork;
  readonly client: RunningClient;
  readonly web: WebServer;
  readonly log: LogWatch;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    parts: Pick<Scenario, "network" | "client" | "web" | "log">,
    resources: AsyncDisposableStack,
  ) {
    this.network = parts.network;
    this.client = parts.client;
    this.web = parts.web;
    this.log = parts.log;
    this.#resources = resources;
  }

  /** Starts all of it, and waits until the client can be used. */
  static async start(options: ScenarioOptions = {}): Promise<Scenario> {
    await using starting = new AsyncDisposableStack();
    const log = starting.use(await LogWatch.start());
    const web = starting.use(new WebServer("127.0.0.1"));
    const names = { [WEB_NAME]: web.hostname, ...options.names };
    const network = starting.use(await EmbeddedNetwork.start({ ...options, names }));
    const dataDirectory = await Deno.makeTempDir();
    starting.defer(() => Deno.remove(dataDirectory, { recursive: true }));
    const torrc = network.clientTorrc({ dataDirectory, socksPort: 0, more: options.torrc });
    const { config } = buildConfig([parseTorrc(torrc, "torrc")]);
    const client = starting.use(
      await RunningClient.start(config, {
        clock: options.clock ?? new SystemClock(),
        random: new SeededRandom(`client of ${options.seed ?? "a scenario"}`),
        network: new SystemNetwork(),
        ...options.runtime,
      }),
    );
    const scenario = new Scenario({ network, client, web, log }, starting.move());
    if (options.bootstrap === false) return scenario;
    try {
      await scenario.bootstrapped();
    } catch (error) {
      await scenario[Symbol.asyncDispose]();
      throw error;
    }
    return scenario;
  }

  /** The client's SOCKS port. */
  get socks(): Endpoint {
    return this.client.socksAddresses[0];
  }

  /** The web server as the client must ask for it. */
  get target(): Endpoint {
    return { hostname: WEB_NAME, port: this.web.port };
  }

  /**
   * Resolves when the client has built its first circuit.
   *
   * @throws Error with the client's log when it takes over 30 s
   */
  async bootstrapped(): Promise<void> {
    const { bootstrap } = this.client;
    if (bootstrap.done) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = bootstrap.onProgress(({ percent }) => percent === 100 && resolve());
    try {
      await this.wait(promise);
    } finally {
      stop();
    }
  }

  /**
   * Opens a connection to the web server through the client.
   *
   * @param isolation streams of different names never share a circuit
   * @throws SocksRefusal
   */
  connect(isolation?: string): Promise<Deno.TcpConn> {
    const auth = isolation === undefined ? undefined : { username: isolation, password: "" };
    return socks5Connect(this.socks, this.target, auth);
  }

  /** Asks the web server for a body of `length` bytes, on a connection of its own. */
  async get(length: number, isolation?: string): Promise<HttpResult> {
    return await httpGet(await this.connect(isolation), `/bytes/${length}`);
  }

  /** Downloads a body of `length` bytes and fails unless every byte of it is right. */
  async download(length: number, isolation?: string): Promise<void> {
    const result = await this.get(length, isolation);
    assert.deepEqual(result, {
      status: 200,
      declared: length,
      length,
      sha256: bodySha256(length, 0),
    });
  }

  /**
   * Waits for `promise`, but not for ever.
   *
   * @throws Error with the client's log when it takes over 30 s
   */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const controller = new AbortController();
    const timer = setTimeout(
      () => controller.abort(new Error(`nothing came; the log:\n${this.log.lines.join("\n")}`)),
      PATIENCE,
    );
    try {
      return await abortable(promise, controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until the client's log says this. */
  logged(part: string): Promise<string> {
    return this.wait(this.log.until(part));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
