/**
 * Keeps a consensus: from the cache, from the network when there is none, and newer ones in time.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError, TorError } from "../errors/tor_error.ts";
import type { Consensus } from "../netdoc/consensus.ts";
import type { CertificateId } from "../netdoc/consensus_signatures.ts";
import { NetdocError } from "../netdoc/errors.ts";
import type { BootstrapTracker } from "../observe/bootstrap.ts";
import { type Logger, scrub } from "../observe/log.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { RandomSource } from "../runtime/random.ts";
import { Backoff } from "./backoff.ts";
import type { DirectoryCache } from "./cache.ts";
import { CertificateStore } from "./certificate_store.ts";
import { checkProtocols, ConsensusChecker } from "./consensus_check.ts";
import {
  clockSkewAdvice,
  consensusFetchTime,
  describeDuration,
  describeTime,
  isUsable,
  liveness,
} from "./consensus_times.ts";
import { DirectoryError } from "./errors.ts";
import { raceServers } from "./race_servers.ts";
import { certificatesRequest, consensusModifiedSince, consensusRequest } from "./requests.ts";
import type { DirectorySources, Source } from "./sources.ts";
import { serverAddress } from "./transport.ts";

/** How many servers are asked for certificates before a consensus is given up. */
const SERVERS_FOR_CERTIFICATES = 3;
/** Without a live consensus, the first failures to get one are warnings. */
const LOUD_FAILURES = 3;
/** A server's clock that differs by more from ours is worth a line (C tor), in ms. */
const NOTABLE_SKEW = 30 * 60 * 1000;

/** What the keeper needs from its surroundings. */
export interface ConsensusKeeperSettings {
  readonly config: Pick<Config, "downloads">;
  /** v3 identities of the configured authorities. */
  readonly authorities: readonly RsaIdentity[];
  readonly hasFallbacks: boolean;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly cache: DirectoryCache;
  readonly sources: DirectorySources;
  readonly bootstrap: BootstrapTracker;
  readonly log: Logger;
  /** Called with each consensus that was accepted. */
  readonly onConsensus: (consensus: Consensus) => Promise<void>;
}

interface Accepted {
  readonly consensus: Consensus;
  readonly document: Uint8Array;
}

/** Finds, checks and renews the consensus. */
export class ConsensusKeeper {
  readonly #settings: ConsensusKeeperSettings;
  readonly #certificates: CertificateStore;
  readonly #checker: ConsensusChecker;
  readonly #backoff: Backoff;
  /** Servers that failed since the last success. */
  readonly #failed = new Set<RsaIdentity>();
  #held: Consensus | undefined;
  /** When the next consensus is asked for; ms since 1970. */
  #fetchAt = -Infinity;
  /** What the network recommends and we lack, as it was last said. */
  #lack: string | undefined;

  constructor(settings: ConsensusKeeperSettings) {
    const { authorities, random, config } = settings;
    this.#settings = settings;
    this.#certificates = new CertificateStore(authorities);
    this.#checker = new ConsensusChecker(
      authorities,
      this.#certificates,
      config.downloads.minConsensusInterval,
    );
    this.#backoff = new Backoff(random, config.downloads.consensusDelay);
  }

  /**
   * Takes what the cache has, if it can still be used.
   *
   * @throws DirectoryError `protocols-required`
   */
  async load(): Promise<void> {
    const { cache, clock, log } = this.#settings;
    const certificates = await cache.readCertificates();
    if (certificates !== undefined) {
      try {
        this.#certificates.add(certificates);
      } catch (error) {
        log.warn(`The cached certificates cannot be used: ${describeError(error)}`);
        await cache.setCertificatesAside();
      }
    }
    const document = await cache.readConsensus();
    if (document === undefined) return;
    try {
      const noFetch = () => Promise.resolve();
      const consensus = await this.#checker.check(document, undefined, clock.now(), noFetch);
      await this.#take(consensus);
    } catch (error) {
      if (isHopeless(error)) throw error;
      log.info(`The cached consensus cannot be used: ${describeError(error)}`);
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
      const now = clock.now();
      const state = this.#held === undefined ? "expired" : liveness(this.#held, now);
      if (state === "live" && now < this.#fetchAt) {
        // Not in one long sleep: the clock may be set, and machines are suspended.
        const wait = Math.min(this.#fetchAt - now, config.downloads.consensusCheckInterval);
        await sleep(clock, wait, signal);
      } else if (isUsable(state)) {
        await this.#refresh(signal, state === "live");
      } else {
        await this.#bootstrap(signal);
      }
    }
  }

  /** Fetches a consensus when none can be used. */
  async #bootstrap(signal: AbortSignal): Promise<void> {
    const { config, ...settings } = this.#settings;
    const accepted = await raceServers(
      { ...settings, schedule: config.downloads },
      (source, attemptSignal, onLoading) => this.#fetch(source, attemptSignal, onLoading),
      signal,
    );
    await this.#keep(accepted);
  }

  /** Fetches the next consensus once, and waits for a while if that fails. */
  async #refresh(signal: AbortSignal, isLive: boolean): Promise<void> {
    const { sources, log } = this.#settings;
    const source = sources.pick(this.#failed);
    if (source === undefined) this.#failed.clear();
    else {
      try {
        await this.#keep(await this.#fetch(source, signal));
        return;
      } catch (error) {
        if (signal.aborted || isHopeless(error)) throw error;
        this.#failed.add(source.identity);
        const line = `No newer consensus from ${scrub(serverAddress(source.server))}: ` +
          `${describeError(error)}`;
        if (isLive || this.#backoff.count >= LOUD_FAILURES) log.info(line);
        else log.warn(`Ours has expired, or is not valid yet. ${line}`);
      }
    }
    await sleep(this.#settings.clock, this.#backoff.next(), signal);
  }

  /** Fetches a consensus from one server, and checks it. */
  async #fetch(source: Source, signal: AbortSignal, onLoading?: () => void): Promise<Accepted> {
    const { authorities, bootstrap, clock } = this.#settings;
    const held = this.#held;
    const request = consensusRequest(
      authorities,
      held && consensusModifiedSince(held.validAfter, held.freshUntil),
    );
    const result = await source.fetch(request, signal, {
      onRequested: () => bootstrap.reportDirectory("requesting_status"),
      onLoading: () => {
        bootstrap.reportDirectory("loading_status");
        onLoading?.();
      },
    });
    if (result.kind === "not-modified") {
      throw new DirectoryError("consensus-not-newer", "the server has no newer consensus");
    }
    const { document, date } = result;
    this.#noteServerTime(source, date);
    const consensus = await this.#checker.check(
      document,
      held,
      clock.now(),
      (missing) => this.#fetchCertificates(missing, source, signal),
    );
    this.#noteProtocols(consensus);
    return { consensus, document };
  }

  /** Asks the server that gave the consensus first: it most likely has them as well. */
  async #fetchCertificates(
    missing: readonly CertificateId[],
    first: Source,
    signal: AbortSignal,
  ): Promise<void> {
    const { bootstrap, cache, clock, log, sources } = this.#settings;
    bootstrap.reportDirectory("loading_keys");
    const asked = new Set<RsaIdentity>();
    let source: Source | undefined = sources.configured(first.server);
    while (source !== undefined && asked.size < SERVERS_FOR_CERTIFICATES) {
      asked.add(source.identity);
      try {
        const now = clock.now();
        const lacking = missing.filter((id) => !((this.#certificates.get(id)?.expires ?? 0) > now));
        if (lacking.length === 0) break;
        const result = await source.fetch(certificatesRequest(lacking), signal);
        if (result.kind === "document" && this.#certificates.add(result.document)) {
          await cache.writeCertificates(this.#certificates.encode());
        }
      } catch (error) {
        if (signal.aborted) throw error;
        log.info(
          `No authority certificates from ${scrub(serverAddress(source.server))}: ` +
            `${describeError(error)}`,
        );
      }
      source = sources.fallback(asked);
    }
  }

  /** Takes a consensus that was just accepted, and keeps it on disk. */
  async #keep({ consensus, document }: Accepted): Promise<void> {
    const { cache, clock, log } = this.#settings;
    const now = clock.now();
    // One that is not live is used, but a better one is looked for with growing pauses.
    if (liveness(consensus, now) === "live") this.#backoff.reset();
    this.#failed.clear();
    const advice = clockSkewAdvice(consensus, now);
    if (advice !== undefined) log.warn(advice);
    // Before it is on disk: nobody may have to wait for the disk.
    await this.#take(consensus);
    await cache.writeConsensus(document);
  }

  async #take(consensus: Consensus): Promise<void> {
    const { clock, random, log, onConsensus } = this.#settings;
    this.#noteProtocols(consensus);
    this.#held = consensus;
    this.#fetchAt = liveness(consensus, clock.now()) === "live"
      ? consensusFetchTime(consensus, random)
      : clock.now();
    log.info(
      `The consensus of ${describeTime(consensus.validAfter)} lists ` +
        `${consensus.routers.length} relays; the next one is due at ${
          describeTime(this.#fetchAt)
        }.`,
    );
    await onConsensus(consensus);
  }

  #noteProtocols(consensus: Consensus): void {
    const lack = checkProtocols(consensus);
    if (lack !== undefined && lack !== this.#lack) this.#settings.log.info(lack);
    this.#lack = lack;
  }

  #noteServerTime(source: Source, date: number | undefined): void {
    if (date === undefined) return;
    const { clock, log } = this.#settings;
    const ahead = clock.now() - date;
    if (Math.abs(ahead) < NOTABLE_SKEW) return;
    log.info(
      `Our clock is ${describeDuration(ahead)} ${ahead > 0 ? "ahead of" : "behind"} that of the ` +
        `directory at ${scrub(serverAddress(source.server))}; one of them is wrong.`,
    );
  }
}

/** Whether going on would be no use, whichever server is asked. */
function isHopeless(error: unknown): boolean {
  return error instanceof TorError && error.retry === "never";
}
