/**
 * The Tor client: wires the rooms together, and owns start and stop.
 *
 * @module
 */
import { BandwidthLimit } from "../channel/bandwidth_limit.ts";
import { ChannelManager } from "../channel/channel_manager.ts";
import type { ChannelStep } from "../channel/connect.ts";
import { circuitsAvailableTimeout } from "../channel/padding_parameters.ts";
import { checkTlsLaunch } from "../channel/tls.ts";
import { CircuitBuilder } from "../circuit/circuit_builder.ts";
import { CircuitManager } from "../circuit/circuit_manager.ts";
import type { CongestionObserver } from "../circuit/congestion_control.ts";
import { Forecast } from "../circuit/forecast.ts";
import type { Config, StreamTraffic } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { Directory } from "../directory/directory.ts";
import type { GuardChange } from "../guard/guard_events.ts";
import type { GeoIp } from "../netdir/geo_ip.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { BootstrapTracker } from "../observe/bootstrap.ts";
import { Logger } from "../observe/log.ts";
import { Violations } from "../observe/violations.ts";
import { type PathOptions, pathOptions, pathRules } from "../path/path_rules.ts";
import { mayServe } from "../path/select_exit.ts";
import { Doors, type OpenDoor } from "../proxy/doors.ts";
import type { SocketAddress } from "../runtime/network.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import { DirectoryStreams } from "../stream/directory_streams.ts";
import { StreamAttempts } from "../stream/stream_attempts.ts";
import type { StreamOpener } from "../stream/opener.ts";
import { TorStreamOpener } from "../stream/tor_stream_opener.ts";
import { reportBuildStep, reportChannelStep } from "./bootstrap_steps.ts";
import { CircuitEvents } from "./circuit_events.ts";
import { ClientState } from "./client_state.ts";
import type {
  ChannelStatus,
  CircuitStatus,
  ClientStatistics,
  RelayStatus,
} from "./client_status.ts";
import { ClockWatch } from "./clock_watch.ts";
import { confluxParts } from "./conflux_parts.ts";
import { readCountryFiles } from "./country_files.ts";
import { guardFilter } from "./guard_filter.ts";
import { NetworkWatch } from "./network_watch.ts";
import { NotableEvents } from "./notable_events.ts";
import { StreamCounts } from "./stream_counts.ts";

export type {
  ChannelStatus,
  CircuitStatus,
  ClientStatistics,
  RelayStatus,
} from "./client_status.ts";

const log = new Logger("bootstrap");

/** A running Tor client. */
export class RunningClient implements AsyncDisposable {
  /** How far the start is. */
  readonly bootstrap: BootstrapTracker;
  /** Which relays have broken the protocol, and how often. */
  readonly violations = new Violations();
  /** Tells when circuits for streams are built and closed. */
  readonly circuitEvents = new CircuitEvents();
  /** The clock's monotonic ms at which it was started. */
  readonly startedAt: number;
  readonly #config: Config;
  readonly #runtime: Runtime;
  readonly #state: ClientState;
  readonly #channels: ChannelManager;
  readonly #circuits: CircuitManager;
  readonly #directory: Directory;
  readonly #attempts: StreamAttempts;
  readonly #geoIp: GeoIp | undefined;
  readonly #streamCounts = new StreamCounts();
  readonly #builtListeners = new Set<(took: number) => void>();
  readonly #watch: NetworkWatch;
  readonly #clockWatch: ClockWatch;
  #doors: Doors | undefined;
  readonly #stopping = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  #stopped: Promise<void> | undefined;

  private constructor(
    config: Config,
    runtime: Runtime,
    state: ClientState,
    { paths, geoIp, congestionObserver }: {
      readonly paths: PathOptions;
      readonly geoIp: GeoIp | undefined;
      readonly congestionObserver: CongestionObserver | undefined;
    },
  ) {
    this.#config = config;
    this.#geoIp = geoIp;
    this.startedAt = runtime.clock.monotonic();
    this.#runtime = runtime;
    this.#state = state;
    const { guards, buildTimes, dormancy } = state;
    const notable = new NotableEvents(
      runtime.clock,
      (identity) =>
        guards.statistics().guards.find(({ rsaIdentity }) => rsaIdentity === identity)?.nickname,
    );
    const onViolation = (relay: RsaIdentity, code: string) => {
      this.violations.note(relay, code);
      notable.noteViolation(relay, code);
    };
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
    }, bandwidthLimit(config, runtime));
    const rules = (netDir: NetDir) => pathRules(netDir, paths);
    const builder = new CircuitBuilder({
      runtime,
      channels: this.#channels,
      guards,
      times: buildTimes,
      rules,
      netDir: () => this.#directory.netDir,
      onStep: (step) => reportBuildStep(this.bootstrap, step),
      onViolation,
      congestionObserver,
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
      conflux: confluxParts(config.conflux, { runtime, builder, guards, rules, buildTimes }),
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
      onBuilt: (took) => {
        this.bootstrap.report("done");
        for (const listener of this.#builtListeners) listener(took);
        this.circuitEvents.noteBuilt(this.#circuits.circuits);
      },
      onSetBuilt: () => this.circuitEvents.noteBuilt(this.#circuits.circuits),
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
    guards.onChange((change) => {
      notable.noteGuardChange(change);
      if (change.kind === "selection") this.#circuits.retireAll();
    });
  }

  /**
   * Starts a client. It resolves when all its ports listen; the connection to the network is
   * made from then on, and goes on until the client is stopped.
   *
   * @param congestionObserver watches the congestion control of all circuits, for measurements
   * @throws TorError when this process cannot run a client: wrong launch flags, a data directory
   * that is in use or unusable, a port that is taken; nothing runs any more then
   */
  static async start(
    config: Config,
    runtime: Runtime = systemRuntime(),
    congestionObserver?: CongestionObserver,
  ): Promise<RunningClient> {
    await checkTlsLaunch();
    const geoIp = await readCountryFiles(config.nodes);
    const paths = pathOptions(config, geoIp);
    for (const code of paths.nodes.unknownCountries) {
      log.warn(`No address is in the country {${code}}, as far as GeoIPFile tells.`);
    }
    const state = await ClientState.load(config, {
      runtime,
      guardFilter: guardFilter(config, paths),
      openStreams: () => client?.statistics().streams ?? 0,
    });
    let client: RunningClient | undefined = undefined;
    const started = new RunningClient(config, runtime, state, { paths, geoIp, congestionObserver });
    client = started;
    try {
      started.#doors = await started.#openDoors();
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

  /** Where the SOCKS ports listen for TCP, with their real port numbers. */
  get socksAddresses(): readonly SocketAddress[] {
    return this.#doors?.addresses("SocksPort") ?? [];
  }

  /** All ports that applications can use, with their real port numbers. */
  get doors(): readonly OpenDoor[] {
    return this.#doors?.open ?? [];
  }

  /** The relays of the circuits that are open for streams, guard first. */
  get circuits(): readonly (readonly RsaIdentity[])[] {
    return this.circuitStatus.map(({ relays }) => relays);
  }

  /** The circuits that are open for streams, with who uses them. */
  get circuitStatus(): readonly CircuitStatus[] {
    return this.#circuits.circuits.flatMap((open) => {
      const { circuit, isolationKey, isUsable, age } = open;
      return (open.legs ?? [open]).map(({ circuit: { number }, guard, middle, exit }) => ({
        number,
        confluxSet: open.legs && circuit.number,
        relays: [guard, middle, exit].map(({ rsaIdentity }) => rsaIdentity),
        hops: [guard, middle, exit].map((relay) => this.#showRelay(relay)),
        state: !isUsable ? "retired" : isolationKey === undefined ? "clean" : "used",
        age,
        isolationKey,
        streams: circuit.streamCount,
      }));
    });
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
      requests: this.#streamCounts.outcomes,
      streamRetries: this.#attempts.retries,
    };
  }

  /** Whether a request would be served now; if not, why not, as a sentence. */
  readiness(): { readonly ready: true } | { readonly ready: false; readonly why: string } {
    const { percent, summary } = this.bootstrap.status;
    if (!this.bootstrap.done) {
      return { ready: false, why: `Bootstrapping is at ${percent}%: ${summary}.` };
    }
    const { clean, used, pausesInARow } = this.#circuits.statistics();
    if (clean + used > 0) return { ready: true };
    const enough = this.#directory.enoughForCircuits();
    if (!enough.ready) return { ready: false, why: enough.why };
    if (pausesInARow > 0) {
      return { ready: false, why: "No circuit is open, and the last ones could not be built." };
    }
    return { ready: true };
  }

  /** The country of an IP address: two lower-case letters, if the country files tell it. */
  countryOf(address: string): string | undefined {
    return this.#geoIp?.countryOf(address);
  }

  /**
   * Calls `listener` with the ms that it took whenever a circuit for streams was built; the returned
   * function ends that.
   */
  onCircuitBuilt(listener: (took: number) => void): () => void {
    this.#builtListeners.add(listener);
    return () => void this.#builtListeners.delete(listener);
  }

  /** Calls `listener` after each change of the guards; the returned function ends that. */
  onGuardChange(listener: (change: GuardChange) => void): () => void {
    return this.#state.guards.onChange(listener);
  }

  /** Opens streams of this traffic; they are counted. */
  openerFor(traffic: StreamTraffic): StreamOpener {
    return this.#streamCounts.counting(
      new TorStreamOpener(this.#attempts, { ...this.#config, traffic }),
    );
  }

  /** To be called for each piece of data of a stream, where that must be known. */
  get onData(): (() => void) | undefined {
    // Where open streams keep the client awake, what they carry need not be looked at.
    return this.#config.dormant.idleStreamsCount
      ? undefined
      : () => this.#state.dormancy.noteActivity();
  }

  /** No circuit that is open takes new streams any more. */
  retireCircuits(): void {
    this.#circuits.retireAll();
  }

  #showRelay({ rsaIdentity, nickname, hostname }: Relay): RelayStatus {
    return { rsaIdentity, nickname, country: this.countryOf(hostname) };
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
    await this.#doors?.close(AbortSignal.abort());
    await this.#directory.close();
    await this.#circuits.close();
    await this.#channels.close();
    await this.#state.close();
  }

  #openDoors(): Promise<Doors> {
    return Doors.open({
      config: this.#config,
      runtime: this.#runtime,
      openerFor: (traffic) => this.openerFor(traffic),
      onData: this.onData,
    });
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
    if (step === "open") this.#watch.noteSuccess();
    reportChannelStep(this.bootstrap, step);
  }
}

function bandwidthLimit({ bandwidth }: Config, { clock }: Runtime): BandwidthLimit | undefined {
  return bandwidth && new BandwidthLimit(bandwidth, clock);
}
