/**
 * The Tor client: wires the rooms together, and owns start and stop.
 *
 * @module
 */
import { ChannelManager } from "../channel/channel_manager.ts";
import type { ChannelStep } from "../channel/connect.ts";
import { checkTlsLaunch } from "../channel/tls.ts";
import { type BuildStep, CircuitBuilder } from "../circuit/circuit_builder.ts";
import { CircuitManager } from "../circuit/circuit_manager.ts";
import type { Config, SocksPort } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { Directory } from "../directory/directory.ts";
import { GuardSample } from "../guard/guard_sample.ts";
import { BootstrapTracker } from "../observe/bootstrap.ts";
import { Logger } from "../observe/log.ts";
import { Violations } from "../observe/violations.ts";
import { SocksListener } from "../proxy/socks_listener.ts";
import { formatAddress, type SocketAddress } from "../runtime/network.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import { DataDirectory } from "../state/data_directory.ts";
import { DirectoryStreams } from "../stream/directory_streams.ts";
import { TorStreamOpener } from "../stream/tor_stream_opener.ts";
import { NetworkWatch } from "./network_watch.ts";

const log = new Logger("bootstrap");

/** Time for a circuit to be built where none is configured, in ms. */
const CIRCUIT_BUILD_TIMEOUT = 15_000;

/** A running Tor client. */
export class TorClient implements AsyncDisposable {
  /** How far the start is. */
  readonly bootstrap: BootstrapTracker;
  /** Which relays have broken the protocol, and how often. */
  readonly violations = new Violations();
  readonly #data: DataDirectory;
  readonly #guards: GuardSample;
  readonly #channels: ChannelManager;
  readonly #circuits: CircuitManager;
  readonly #directory: Directory;
  readonly #watch: NetworkWatch;
  readonly #listeners: SocksListener[] = [];
  readonly #stopping = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  #stopped: Promise<void> | undefined;

  private constructor(
    config: Config,
    runtime: Runtime,
    data: DataDirectory,
    guards: GuardSample,
  ) {
    this.#data = data;
    this.#guards = guards;
    this.bootstrap = new BootstrapTracker();
    this.#watch = new NetworkWatch(runtime.clock);
    this.#channels = new ChannelManager(runtime, config.keepalivePeriod, {
      onStep: (step) => this.#onChannelStep(step),
      onFailure: (error) => this.#watch.noteFailure(error),
      onViolation: (relay, code) => this.violations.note(relay, code),
    });
    const builder = new CircuitBuilder({
      runtime,
      channels: this.#channels,
      guards,
      pathOptions: {
        enforceDistinctSubnets: config.enforceDistinctSubnets,
        extendAllowPrivateAddresses: config.extendAllowPrivateAddresses,
        nodeFamilies: config.nodeFamilies,
      },
      timeout: config.circuitBuildTimeout ?? CIRCUIT_BUILD_TIMEOUT,
      onStep: (step) => this.#onBuildStep(step),
      onViolation: (relay, code) => this.violations.note(relay, code),
    });
    this.#circuits = new CircuitManager({
      runtime,
      builder,
      usableNetDir: () =>
        this.#directory.enoughForCircuits().ready ? this.#directory.netDir : undefined,
      maxDirtiness: config.maxCircuitDirtiness,
      sweepInterval: config.newCircuitPeriod,
      onBuilt: () => this.bootstrap.report("done"),
    });
    this.#directory = new Directory({
      config,
      runtime,
      data,
      transport: new DirectoryStreams(this.#circuits),
      guards,
      bootstrap: this.bootstrap,
    });
    this.#directory.onChange(() => this.#circuits.update());
  }

  /**
   * Starts a client. It resolves when the SOCKS ports listen; the connection to the network is
   * made from then on, and goes on until the client is stopped.
   *
   * @throws TorError when this process cannot run a client: wrong launch flags, a data directory
   * that is in use or unusable, a port that is taken; nothing runs any more then
   */
  static async start(config: Config, runtime: Runtime = systemRuntime()): Promise<TorClient> {
    await checkTlsLaunch();
    const data = await DataDirectory.open(config.dataDirectory);
    let client: TorClient;
    try {
      const guards = await GuardSample.load(data, runtime, config);
      client = new TorClient(config, runtime, data, guards);
    } catch (error) {
      data[Symbol.dispose]();
      throw error;
    }
    try {
      for (const port of config.socksPorts) client.#listen(port, config, runtime);
      client.bootstrap.report("starting");
      client.#watch.start();
      client.#runDirectory();
    } catch (error) {
      await client.stop();
      throw error;
    }
    return client;
  }

  /** Where the SOCKS ports listen, with their real port numbers. */
  get socksAddresses(): readonly SocketAddress[] {
    return this.#listeners.map(({ address }) => address);
  }

  /** The relays of the circuits that are open for streams, guard first. */
  get circuits(): readonly (readonly RsaIdentity[])[] {
    return this.#circuits.circuits.map(({ guard, middle, exit }) =>
      [guard, middle, exit].map(({ rsaIdentity }) => rsaIdentity)
    );
  }

  /**
   * Resolves when the client was stopped.
   *
   * @throws TorError when it cannot go on: the network asks for what this version lacks, or no
   * directory server is configured
   */
  async finished(): Promise<void> {
    const { signal } = this.#stopping;
    const stopping = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([stopping, this.#failed.promise]);
    await this.#stopped;
  }

  /** Stops everything and saves the state; resolves when nothing runs any more. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #runDirectory(): void {
    // Told to whoever asks whether the client goes on; nobody has to.
    this.#failed.promise.catch(() => {});
    this.#directory.start(this.#stopping.signal).catch((error) => this.#failed.reject(error));
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new DOMException("the client is stopping", "AbortError"));
    this.#watch.stop();
    await Promise.all(this.#listeners.map((listener) => listener.close(AbortSignal.abort())));
    await this.#directory.close();
    await this.#circuits.close();
    await this.#channels.close();
    await this.#guards.close();
    this.#data[Symbol.dispose]();
  }

  #listen(port: SocksPort, config: Config, runtime: Runtime): void {
    const opener = new TorStreamOpener(
      this.#circuits,
      runtime.clock,
      { ...config, traffic: port.traffic },
      config.socksTimeout,
    );
    const listener = new SocksListener(runtime.network, runtime.clock, opener, {
      hostname: port.hostname,
      port: port.port,
      sessionGroup: String(port.isolation.sessionGroup),
      isolation: port.isolation,
    });
    this.#listeners.push(listener);
    log.notice(`Opened Socks listener connection (ready) on ${formatAddress(listener.address)}`);
  }

  #onChannelStep(step: ChannelStep): void {
    switch (step) {
      case "started":
        return this.bootstrap.report("conn");
      case "connected":
        this.bootstrap.report("conn_done");
        return this.bootstrap.report("handshake");
      case "open":
        this.#watch.noteSuccess();
        this.bootstrap.report("handshake_done");
        return this.bootstrap.noteConnection();
    }
  }

  #onBuildStep(step: BuildStep): void {
    switch (step) {
      case "one-hop":
        return this.bootstrap.report("onehop_create");
      case "started":
        return this.bootstrap.report("ap_conn");
      case "channel-open":
        this.bootstrap.report("ap_conn_done");
        return this.bootstrap.report("ap_handshake_done");
      case "first-hop":
        return this.bootstrap.report("circuit_create");
    }
  }
}
