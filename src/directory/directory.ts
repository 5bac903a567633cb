/**
 * The directory: everything a client knows about the network, kept up to date.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import type { GuardSample } from "../guard/guard_sample.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import { BOOTSTRAP_PHASES, type BootstrapTracker } from "../observe/bootstrap.ts";
import { Logger } from "../observe/log.ts";
import type { NodeRules } from "../path/node_rules.ts";
import { sleep } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { DirectoryCache } from "./cache.ts";
import { CertificateKeeper } from "./certificate_keeper.ts";
import { ClockSkews } from "./clock_skews.ts";
import { ConsensusKeeper } from "./consensus_keeper.ts";
import { type Liveness, liveness } from "./consensus_times.ts";
import { DirectoryClient, downloadLimits } from "./directory_client.ts";
import { DirectoryError } from "./errors.ts";
import { MicrodescriptorKeeper } from "./microdescriptor_keeper.ts";
import { type Readiness, ReadinessCheck } from "./readiness.ts";
import { ConfiguredServers } from "./servers.ts";
import { type DirectoryGuards, DirectorySources } from "./sources.ts";
import type { DiffCounts } from "./consensus_diffs.ts";
import { describeTraffic, type TrafficByKind, TrafficCounter } from "./traffic.ts";
import type { DirectoryTransport } from "./transport.ts";

/** What the directory is given from outside. */
export interface DirectoryOptions {
  readonly config: Pick<
    Config,
    "authorities" | "fallbacks" | "downloads" | "pathsNeededToBuildCircuits"
  >;
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly data: DataDirectory;
  readonly transport: DirectoryTransport;
  readonly guards: DirectoryGuards & Pick<GuardSample, "update" | "missingPrimaryMicrodescriptors">;
  readonly bootstrap: BootstrapTracker;
  /** Which relays circuits may go through and which directories may be asked. */
  readonly nodes?: NodeRules;
  /** Resolves when the client takes part in the network: at once, unless it is dormant. */
  readonly whenAwake: (signal: AbortSignal) => Promise<void>;
  /**
   * What relays' NETINFO cells say of our clock: how far each is ahead of it, in ms; each of another
   * relay.
   */
  readonly clockSkews?: () => readonly number[];
  /** When this version was released, in ms since 1970; what netdoc's RELEASED says unless given. */
  readonly released?: number;
}

/** What the directory has and costs. */
export interface DirectoryStatistics {
  /** Traffic of the last hour, to 5 minutes. */
  readonly lastHour: TrafficByKind;
  /** Traffic since the start. */
  readonly total: TrafficByKind;
  /** How often a consensus came as a diff. */
  readonly diffs: DiffCounts;
  readonly consensus: {
    /** In ms since 1970. */
    readonly validAfter: number;
    /** Since valid-after, in ms; negative when it is not valid yet. */
    readonly age: number;
    readonly liveness: Liveness;
  } | undefined;
  /** When the next consensus is asked for, in ms since 1970; `undefined` while one is. */
  readonly nextFetch: number | undefined;
}

/** Between two lines about traffic in the log, in ms. */
const TRAFFIC_INTERVAL = 60 * 60_000;

const LOADING = percentOf("loading_descriptors");
const ENOUGH = percentOf("enough_dirinfo");

/**
 * Fetches, checks, caches and renews consensus, authority certificates and microdescriptors
 * (dir-spec, "Client operation"), and offers them as immutable snapshots. A new snapshot is first
 * shown to the guards and then to the listeners.
 */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #log = new Logger("directory");
  readonly #readiness: ReadinessCheck;
  readonly #listeners = new Set<(netDir: NetDir) => void>();
  readonly #closed = new AbortController();
  readonly #traffic: TrafficCounter;
  #consensus: ConsensusKeeper | undefined;
  #netDir: NetDir | undefined;
  #running: Promise<void> | undefined;
  #wasReady = false;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#traffic = new TrafficCounter(options.runtime.clock);
    this.#readiness = new ReadinessCheck(
      options.guards,
      options.config.pathsNeededToBuildCircuits,
      options.nodes,
    );
  }

  /** The newest snapshot; `undefined` before the first consensus. */
  get netDir(): NetDir | undefined {
    return this.#netDir;
  }

  /**
   * Whether circuits may be built for users. This must be asked before each, because a consensus
   * grows old and guards change; nothing may be built against its answer.
   */
  enoughForCircuits(): Readiness {
    return this.#readiness.check(this.#netDir, this.#options.runtime.clock.now());
  }

  /** What it has and has cost so far. */
  statistics(): DirectoryStatistics {
    const now = this.#options.runtime.clock.now();
    const consensus = this.#netDir?.consensus;
    const nextFetch = this.#consensus?.nextFetch ?? -Infinity;
    return {
      lastHour: this.#traffic.lastHour(),
      total: this.#traffic.total(),
      diffs: this.#consensus?.diffs ?? { applied: 0, failed: 0 },
      consensus: consensus && {
        validAfter: consensus.validAfter,
        age: now - consensus.validAfter,
        liveness: liveness(consensus, now),
      },
      nextFetch: nextFetch > now ? nextFetch : undefined,
    };
  }

  /** Calls `listener` with each new snapshot; the returned function ends that. */
  onChange(listener: (netDir: NetDir) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Loads the cache and keeps the directory up to date. Failed downloads are tried again for ever.
   * To be called once.
   *
   * @returns a promise that resolves when the signal was aborted or {@link close} called
   * @throws DirectoryError `no-directory-authorities`, `no-directory-servers` or
   * `protocols-required`: the client can not work
   */
  start(signal: AbortSignal): Promise<void> {
    const all = AbortSignal.any([signal, this.#closed.signal]);
    return this.#running ??= this.#run(all);
  }

  /** Ends all downloads, and waits until what is being written is on disk. */
  async close(): Promise<void> {
    this.#closed.abort(new DOMException("the directory is closed", "AbortError"));
    // Its failure was for the caller of start.
    await this.#running?.catch(() => undefined);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const { certificates, consensus, microdescriptors } = this.#keepers();
    this.#consensus = consensus;
    const end = (error: unknown) => {
      failed.abort(error);
      if (!signal.aborted) throw error;
    };
    try {
      await certificates.load();
      await consensus.load();
    } catch (error) {
      return end(error);
    }
    const keeping = [
      consensus.run(either),
      certificates.run(either),
      microdescriptors.run(either),
      this.#reportTraffic(either),
    ];
    const ended = await Promise.allSettled(keeping.map((each) => each.catch(end)));
    const failure = ended.find((each) => each.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  }

  async #reportTraffic(signal: AbortSignal): Promise<never> {
    const { clock } = this.#options.runtime;
    for (;;) {
      await sleep(clock, TRAFFIC_INTERVAL, signal);
      const lastHour = this.#traffic.lastHour();
      if (lastHour.all.requests === 0) continue;
      this.#log.info(`In the last hour: ${describeTraffic(lastHour)}.`);
    }
  }

  #keepers(): {
    certificates: CertificateKeeper;
    consensus: ConsensusKeeper;
    microdescriptors: MicrodescriptorKeeper;
  } {
    const { config, runtime, data, transport, guards, bootstrap, whenAwake } = this.#options;
    const { clockSkews = () => [], released } = this.#options;
    const { clock, random } = runtime;
    const authorities = config.authorities.flatMap(({ v3Identity }) => v3Identity ?? []);
    if (authorities.length === 0) {
      throw new DirectoryError(
        "no-directory-authorities",
        "no directory authority with a v3 identity is configured",
      );
    }
    const servers = new ConfiguredServers(config, random, this.#options.nodes);
    if (!servers.hasAuthorities && !servers.hasFallbacks) {
      throw new DirectoryError("no-directory-servers", "no directory server is configured");
    }
    const limits = downloadLimits(config.downloads.maxStall);
    const client = new DirectoryClient(transport, clock, limits, this.#traffic);
    const shared = {
      authorities,
      config,
      clock,
      random,
      bootstrap,
      whenAwake,
      cache: new DirectoryCache(data, clock),
      sources: new DirectorySources(client, servers, guards, clock),
      log: this.#log,
    };
    const microdescriptors = new MicrodescriptorKeeper({
      ...shared,
      prepare: (netDir) => void this.#readiness.progress(netDir),
      onNetDir: (netDir) => this.#publish(netDir),
      isReady: () => this.enoughForCircuits().ready,
    });
    const certificates = new CertificateKeeper(shared);
    const consensus = new ConsensusKeeper({
      ...shared,
      certificates,
      clockSkews: new ClockSkews(clock, clockSkews),
      released,
      hasFallbacks: servers.hasFallbacks,
      onConsensus: (accepted) => microdescriptors.take(accepted),
    });
    return { certificates, consensus, microdescriptors };
  }

  #publish(netDir: NetDir): void {
    this.#netDir = netDir;
    this.#options.guards.update(netDir);
    this.#report(netDir);
    for (const listener of this.#listeners) listener(netDir);
  }

  #report(netDir: NetDir): void {
    const { bootstrap } = this.#options;
    const readiness = this.enoughForCircuits();
    if (readiness.ready) {
      bootstrap.reportDirectory("enough_dirinfo");
      if (!this.#wasReady) this.#log.info("Enough of the network is known to build circuits.");
    } else {
      if (netDir.relays.length > 0) {
        const percent = LOADING + this.#readiness.progress(netDir) * (ENOUGH - 1 - LOADING);
        bootstrap.reportDirectory("loading_descriptors", percent);
      }
      if (this.#wasReady) this.#log.notice(`No circuits can be built for now: ${readiness.why}`);
      else this.#log.info(readiness.why);
    }
    this.#wasReady = readiness.ready;
  }
}

function percentOf(tag: "loading_descriptors" | "enough_dirinfo"): number {
  return BOOTSTRAP_PHASES.find((phase) => phase.tag === tag)?.percent ?? 0;
}
