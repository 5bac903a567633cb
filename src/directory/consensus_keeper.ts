/**
 * Keeps a consensus: from the cache, from the network when there is none, and newer ones in time.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError, TorError } from "../errors/tor_error.ts";
import type { Consensus, RouterStatus } from "../netdoc/consensus.ts";
import { NetdocError } from "../netdoc/errors.ts";
import { scrub } from "../observe/log.ts";
import { sleep } from "../runtime/clock.ts";
import type { RandomSource } from "../runtime/random.ts";
import { Backoff } from "./backoff.ts";
import type { DirectoryCache } from "./cache.ts";
import { ConsensusDiffs, type DiffCounts } from "./consensus_diffs.ts";
import {
  type AcceptedConsensus,
  ConsensusDownload,
  type ConsensusDownloadSettings,
} from "./consensus_download.ts";
import {
  consensusFetchTime,
  describeDuration,
  describeTime,
  isUsable,
  liveness,
  validityAdvice,
} from "./consensus_times.ts";
import { DirectoryError } from "./errors.ts";
import { raceServers } from "./race_servers.ts";
import type { DirectorySources, Source } from "./sources.ts";
import { serverAddress } from "./transport.ts";

/** Without a live consensus, the first failures to get one are warnings. */
const LOUD_FAILURES = 3;

/**
 * So many servers that failed last are passed over for the next try: others among the few primary
 * guards are asked, but a network that has no newer consensus does not drive the client through all
 * the guards of its sample.
 */
const PASSED_OVER = 2;

/** What the keeper needs from its surroundings. */
export interface ConsensusKeeperSettings extends ConsensusDownloadSettings {
  readonly hasFallbacks: boolean;
  readonly random: RandomSource;
  readonly cache: DirectoryCache;
  readonly sources: DirectorySources;
  /** Resolves when the client takes part in the network: at once, unless it is dormant. */
  readonly whenAwake: (signal: AbortSignal) => Promise<void>;
  /** Called with each consensus that was accepted. */
  readonly onConsensus: (consensus: Consensus) => Promise<void>;
}

/** Finds, checks and renews the consensus. */
export class ConsensusKeeper {
  readonly #settings: ConsensusKeeperSettings;
  readonly #download: ConsensusDownload;
  readonly #backoff: Backoff;
  readonly #diffs: ConsensusDiffs;
  /** The servers that failed last. */
  readonly #failed = new Set<RsaIdentity>();
  #held: Consensus | undefined;
  /** When the next consensus is asked for; ms since 1970. */
  #fetchAt = -Infinity;
  /** When the next server is asked after a failure; ms since 1970. */
  #retryAt = -Infinity;

  constructor(settings: ConsensusKeeperSettings) {
    const { random, config, cache } = settings;
    this.#settings = settings;
    this.#backoff = new Backoff(random, config.downloads.consensusDelay);
    this.#diffs = new ConsensusDiffs(cache);
    this.#download = new ConsensusDownload(settings, this.#diffs);
  }

  /** When the next consensus will be asked for, in ms since 1970; -Infinity when one is being. */
  get nextFetch(): number {
    return Math.max(this.#fetchAt, this.#retryAt);
  }

  /** How often consensus diffs were applied. */
  get diffs(): DiffCounts {
    return this.#diffs.counts;
  }

  /**
   * Takes what the cache has, if it can still be used.
   *
   * @throws DirectoryError `protocols-required`
   */
  async load(): Promise<void> {
    const { cache, log } = this.#settings;
    const document = await cache.readConsensus();
    if (document === undefined) return;
    try {
      const consensus = await this.#download.checkCached(document);
      await this.#diffs.take(consensus, document);
      // Nothing needs it any more, and much else is read now.
      document.buffer.transfer(0);
      await this.#take(consensus);
    } catch (error) {
      if (isHopeless(error)) throw error;
      log.notice(`The cached consensus cannot be used: ${describeError(error)}`);
      const isCorrupt = !(error instanceof DirectoryError) &&
        !(error instanceof NetdocError && error.code === "too-few-signatures");
      if (isCorrupt) await cache.setConsensusAside();
    }
  }

  /**
   * Sees to it that there is a live consensus, until the signal is aborted.
   *
   * @throws the signal's reason; DirectoryError `protocols-required`
   */
  async run(signal: AbortSignal): Promise<never> {
    const { clock, config } = this.#settings;
    for (;;) {
      await this.#settings.whenAwake(signal);
      const now = clock.now();
      const state = this.#held === undefined ? "expired" : liveness(this.#held, now);
      if (state === "live" && now < this.#fetchAt) {
        // Not in one long sleep: the clock may be set, and machines are suspended.
        const wait = Math.min(this.#fetchAt - now, config.downloads.consensusCheckInterval);
        await sleep(clock, wait, signal);
      } else if (this.#held !== undefined && isUsable(state)) {
        await this.#refresh(this.#held, signal, state === "live");
      } else {
        await this.#bootstrap(signal);
      }
    }
  }

  /** Fetches a consensus when none can be used. */
  async #bootstrap(signal: AbortSignal): Promise<void> {
    const { config, ...settings } = this.#settings;
    this.#fetchAt = this.#retryAt = -Infinity;
    if (this.#held !== undefined) {
      settings.log.notice(
        `The consensus of ${describeTime(this.#held.validAfter)} is too far from our time to be ` +
          "used; asking fallback directories and authorities for another one.",
      );
    }
    const accepted = await raceServers(
      { ...settings, schedule: config.downloads },
      (source, attemptSignal, onLoading) =>
        this.#download.fetch(source, this.#held, attemptSignal, onLoading),
      signal,
    );
    await this.#keep(accepted);
  }

  /** Fetches the next consensus once, and waits for a while if that fails. */
  async #refresh(held: Consensus, signal: AbortSignal, isLive: boolean): Promise<void> {
    const { clock, sources } = this.#settings;
    const { failed } = this.#diffs.counts;
    const source = sources.pick(this.#failed, servesDiffs);
    let pause = 0;
    if (source === undefined) {
      this.#failed.clear();
      pause = this.#backoff.next();
    } else {
      try {
        await this.#keep(await this.#download.fetch(source, held, signal));
        return;
      } catch (error) {
        if (signal.aborted || isHopeless(error)) throw error;
        this.#passOver(source.identity);
        // After a diff that was no good, a whole consensus is asked for at once.
        if (this.#diffs.counts.failed === failed) pause = this.#backoff.next();
        this.#noteFailure(source, error, pause, held, isLive);
      }
    }
    this.#retryAt = clock.now() + pause;
    await sleep(clock, pause, signal);
    this.#retryAt = -Infinity;
  }

  #passOver(identity: RsaIdentity): void {
    this.#failed.delete(identity);
    this.#failed.add(identity);
    const [oldest] = this.#failed;
    if (this.#failed.size > PASSED_OVER && oldest !== undefined) this.#failed.delete(oldest);
  }

  #noteFailure(
    source: Source,
    error: unknown,
    pause: number,
    held: Consensus,
    isLive: boolean,
  ): void {
    const { clock, clockSkews, log } = this.#settings;
    const line = `No newer consensus from ${scrub(serverAddress(source.server))}: ` +
      `${describeError(error)}; asking another server ${
        pause === 0 ? "at once" : `in ${describeDuration(Math.max(pause, 1000))}`
      }. That of ${describeTime(held.validAfter)} serves meanwhile.`;
    if (isLive) log.info(line);
    else {
      const advice = validityAdvice(held, clock.now(), clockSkews.estimate());
      const all = advice === undefined ? line : `${advice} ${line}`;
      if (this.#backoff.count <= LOUD_FAILURES) log.warn(all);
      else log.info(all);
    }
  }

  /** Takes a consensus that was just accepted, and keeps it on disk. */
  async #keep({ consensus, document }: AcceptedConsensus): Promise<void> {
    const { cache, clock } = this.#settings;
    // One that is not live is used, but a better one is looked for with growing pauses.
    if (liveness(consensus, clock.now()) === "live") this.#backoff.reset();
    this.#failed.clear();
    // Before it is on disk: nobody may have to wait for the disk.
    await this.#take(consensus);
    await cache.writeConsensus(document);
    await this.#diffs.take(consensus, document);
  }

  async #take(consensus: Consensus): Promise<void> {
    const { certificates, clock, clockSkews, random, log, onConsensus } = this.#settings;
    const now = clock.now();
    this.#held = consensus;
    this.#fetchAt = liveness(consensus, now) === "live"
      ? consensusFetchTime(consensus, random)
      : now;
    log.info(
      `The consensus of ${describeTime(consensus.validAfter)} lists ` +
        `${consensus.routers.length} relays; the next one is due at ${
          describeTime(this.#fetchAt)
        }.`,
    );
    const advice = validityAdvice(consensus, now, clockSkews.estimate());
    // One from the cache that has expired while the client was off is no surprise.
    if (advice !== undefined && now < consensus.validAfter) log.warn(advice);
    else if (advice !== undefined) log.notice(`${advice} It serves while a newer one is fetched.`);
    certificates.take(consensus);
    await onConsensus(consensus);
  }
}

/** Whether a server that the consensus lists as such gives diffs. */
function servesDiffs({ protocols }: RouterStatus): boolean {
  return protocols.supports("DirCache", 2);
}

/** Whether going on would be no use, whichever server is asked. */
function isHopeless(error: unknown): boolean {
  return error instanceof TorError && error.retry === "never";
}
