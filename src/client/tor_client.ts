/**
 * The Tor client: wires the rooms together, and owns start and stop.
 *
 * @module
 */
import { ChannelManager, type ChannelStatistics } from "../channel/channel_manager.ts";
import type { ChannelStep } from "../channel/connect.ts";
import { circuitsAvailableTimeout } from "../channel/padding_parameters.ts";
import { checkTlsLaunch } from "../channel/tls.ts";
import { type BuildStep, CircuitBuilder } from "../circuit/circuit_builder.ts";
import type { BuildTimeStatistics } from "../circuit/build_times.ts";
import { CircuitManager, type CircuitStatistics } from "../circuit/circuit_manager.ts";
import { Forecast } from "../circuit/forecast.ts";
import type { Config, SocksPort } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { Directory, type DirectoryStatistics } from "../directory/directory.ts";
import type { GuardStatistics } from "../guard/guard_statistics.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import { BootstrapTracker } from "../observe/bootstrap.ts";
import { Logger } from "../observe/log.ts";
import { Violations } from "../observe/violations.ts";
import { type PathOptions, pathOptions, pathRules } from "../path/path_rules.ts";
import { mayServe } from "../path/select_exit.ts";
import { SocksListener } from "../proxy/socks_listener.ts";
import { formatAddress, type SocketAddress } from "../runtime/network.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import { DirectoryStreams } from "../stream/directory_streams.ts";
import { StreamAttempts } from "../stream/stream_attempts.ts";
import { TorStreamOpener } from "../stream/tor_stream_opener.ts";
import { ClientState } from "./client_state.ts";
import { ClockWatch } from "./clock_watch.ts";
import { readCountryFiles } from "./country_files.ts";
import { guardFilter } from "./guard_filter.ts";
import { NetworkWatch } from "./network_watch.ts";

const log = new Logger("bootstrap");

/** What a client has and does. */
export interface ClientStatistics {
  /** Whether it sleeps for lack of use. */
  readonly dormant: boolean;
  readonly guards: GuardStatistics;
  readonly channels: ChannelStatistics;
  readonly circuits: CircuitStatistics;
  readonly buildTimes: BuildTimeStatistics;
  readonly directory: DirectoryStatistics;
  /** Streams that are open or being opened. */
  readonly streams: number;
}

/** A circuit for streams, as it is shown. */
export interface CircuitStatus {
  /** Its number in logs. */
  readonly number: number;
  /** Guard, middle and exit. */
  readonly relays: readonly RsaIdentity[];
  /** What the streams on it have in common; undefined before the first. It holds passwords. */
  readonly isolationKey: string | undefined;
  /** Streams that are open on it. */
  readonly streams: number;
}

/** A channel, as it is shown. */
export interface ChannelStatus {
  readonly relay: RsaIdentity;
  /** Circuits of any kind that use it. */
  readonly circuits: number;
}

/** A running Tor client. */
export class TorClient implements AsyncDisposable {
  /** How far the start is. */
  readonly bootstrap: BootstrapTracker;
  /** Which relays have broken the protocol, and how often. */
  readonly violations = new Violations();
  readonly #config: Config;
  readonly #runtime: Runtime;
  readonly #state: ClientState;
  readonly #channels: ChannelManager;
  readonly #circuits: CircuitManager;
  readonly #directory: Directory;
  readonly #attempts: StreamAttempts;
  readonly #watch: NetworkWatch;
  readonly #clockWatch: ClockWatch;
  readonly #listeners: SocksListener[] = [];
  readonly #stopping = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  #stopped: Promise<void> | undefined;

  private constructor(config: Config, runtime: Runtime, state: ClientState, paths: PathOptions) {
    this.#config = config;
    this.#runtime = runtime;
    this.#state = state;
    const { guards, buildTimes, dormancy } = state;
    const onViolation = (relay: RsaIdentity, code: string) => this.violations.note(relay, code);
    this.bootstrap = new BootstrapTracker();
    this.#watch = new NetworkWatch(runtime.clock, () => this.#onNetworkBack());
    this.#clockWatch = new ClockWatch(runtime.clock, (jump) => this.#onClockJump(jump));
    this.#channels = new ChannelManager(runtime, config.connections, {
      onStep: (step) => this.#onChannelStep(step),
      onFailure: (error) => this.#watch.noteFailure(error),
      onRead: () => {
        buildTimes.noteNetworkAlive();
        guards.noteInternetConnectivity();
      },
      onViolation,
    });
    const builder = new CircuitBuilder({
      runtime,
      channels: this.#channels,
      guards,
      times: buildTimes,
      rules: (netDir) => pathRules(netDir, paths),
      onStep: (step) => this.#onBuildStep(step),
      onViolation,
    });
    this.#circuits = new CircuitManager({
      runtime,
      builder,
      usableNetDir: () => this.#usableNetDir(),
      forecast: new Forecast({
        runtime,
        times: buildTimes,
        isActive: () => !dormancy.dormant,
        drawTimeout: () =>
          circuitsAvailableTimeout(
            this.#channels.paddingParameters,
            {
              circuitsAvailableTimeout: config.circuitsAvailableTimeout,
              reducedPadding: config.connections.reducedPadding,
            },
            runtime.random,
          ),
        longLivedPorts: paths.longLivedPorts,
      }),
      longLivedPorts: paths.longLivedPorts,
      mayServe: (exit, target) => {
        const { netDir } = this.#directory;
        return netDir !== undefined && mayServe(exit, target, pathRules(netDir, paths));
      },
      buildTimeout: () => buildTimes.timeout,
      maxDirtiness: config.maxCircuitDirtiness,
      sweepInterval: config.newCircuitPeriod,
      maxPending: config.maxCircuitsPending,
      backoff: config.connections.backoff,
      onBuilt: () => this.bootstrap.report("done"),
      onSilentGuard: ({ guardChoice }) => guards.noteSilent(guardChoice),
    });
    this.#attempts = new StreamAttempts({
      circuits: this.#circuits,
      runtime,
      timeout: config.socksTimeout,
      backoff: config.connections.backoff,
      onRequest: () => dormancy.noteActivity(),
    });
    this.#directory = new Directory({
      config,
      runtime,
      data: state.data,
      transport: new DirectoryStreams(this.#circuits),
      guards,
      bootstrap: this.bootstrap,
      nodes: paths.nodes,
      clockSkews: () => this.#channels.channels.flatMap(({ clockSkew }) => clockSkew ?? []),
      whenAwake: (signal) => dormancy.whenAwake(signal),
    });
    this.#directory.onChange((netDir) => this.#onNetDir(netDir));
    dormancy.onChange((dormant) => {
      if (!dormant) this.#onNetworkBack();
    });
    guards.onChange(({ kind }) => {
      if (kind === "selection") this.#circuits.retireAll();
    });
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
    const paths = pathOptions(config, await readCountryFiles(config.nodes));
    for (const code of paths.nodes.unknownCountries) {
      log.warn(`No address is in the country {${code}}, as far as GeoIPFile tells.`);
    }
    const state = await ClientState.load(config, {
      runtime,
      guardFilter: guardFilter(config, paths),
      openStreams: () => client?.statistics().streams ?? 0,
    });
    let client: TorClient | undefined = undefined;
    const started = new TorClient(config, runtime, state, paths);
    client = started;
    try {
      for (const port of config.socksPorts) started.#listen(port);
      started.bootstrap.report("starting");
      started.#watch.start();
      started.#clockWatch.start();
      started.#runDirectory();
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
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

  /** The circuits that are open for streams, with who uses them. */
  get circuitStatus(): readonly CircuitStatus[] {
    return this.#circuits.circuits.map(({ circuit, guard, middle, exit, isolationKey }) => ({
      number: circuit.number,
      relays: [guard, middle, exit].map(({ rsaIdentity }) => rsaIdentity),
      isolationKey,
      streams: circuit.streamCount,
    }));
  }

  /** The channels that are open. */
  get channelStatus(): readonly ChannelStatus[] {
    return this.#channels.channels.map(({ rsaIdentity, circuitCount }) => ({
      relay: rsaIdentity,
      circuits: circuitCount,
    }));
  }

  /** What the client has and does at this moment, and has done so far. */
  statistics(): ClientStatistics {
    const { guards, buildTimes, dormancy } = this.#state;
    return {
      dormant: dormancy.dormant,
      guards: guards.statistics(),
      channels: this.#channels.statistics(),
      circuits: this.#circuits.statistics(),
      buildTimes: buildTimes.statistics(),
      directory: this.#directory.statistics(),
      streams: this.#circuits.circuits.reduce((sum, { circuit }) => sum + circuit.streamCount, 0),
    };
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
    this.#clockWatch.stop();
    await Promise.all(this.#listeners.map((listener) => listener.close(AbortSignal.abort())));
    await this.#directory.close();
    await this.#circuits.close();
    await this.#channels.close();
    await this.#state.close();
  }

  #listen({ hostname, port, isolation, traffic }: SocksPort): void {
    const opener = new TorStreamOpener(this.#attempts, { ...this.#config, traffic });
    const { network, clock } = this.#runtime;
    const listener = new SocksListener(network, clock, opener, {
      hostname,
      port,
      sessionGroup: String(isolation.sessionGroup),
      isolation,
      // Where open streams keep the client awake, what they carry need not be looked at.
      onData: this.#config.dormant.idleStreamsCount
        ? undefined
        : () => this.#state.dormancy.noteActivity(),
    });
    this.#listeners.push(listener);
    log.notice(`Opened Socks listener connection (ready) on ${formatAddress(listener.address)}`);
  }

  #usableNetDir(): NetDir | undefined {
    return this.#directory.enoughForCircuits().ready ? this.#directory.netDir : undefined;
  }

  #onNetDir(netDir: NetDir): void {
    this.#channels.updateParameters((name, bounds) => netDir.parameter(name, bounds));
    this.#state.buildTimes.updateParameters(netDir);
    this.#circuits.update();
  }

  /** What failed while this machine had no network says nothing about guards. */
  #onNetworkBack(): void {
    this.#state.guards.noteNetworkBack();
    this.#circuits.update();
  }

  /** The machine slept or its clock was set: what was open is most likely dead. */
  #onClockJump(jump: number): void {
    log.notice(
      `The clock has jumped by ${Math.round(jump / 1000)} s, or this machine has slept: ` +
        "circuits that are open take no new streams.",
    );
    this.#circuits.retireAll();
    this.#onNetworkBack();
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
