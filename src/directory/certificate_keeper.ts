/**
 * Keeps authority certificates: fetches those that a consensus needs, and renews them in time.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import type { Consensus } from "../netdoc/consensus.ts";
import type { CertificateId } from "../netdoc/consensus_signatures.ts";
import type { BootstrapTracker } from "../observe/bootstrap.ts";
import { type Logger, scrub } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import type { RandomSource } from "../runtime/random.ts";
import { Backoff } from "./backoff.ts";
import type { DirectoryCache } from "./cache.ts";
import { CertificateStore } from "./certificate_store.ts";
import {
  certificatesRequest,
  type DocumentRequest,
  newestCertificatesRequest,
} from "./requests.ts";
import type { DirectorySources, Source } from "./sources.ts";
import { serverAddress } from "./transport.ts";
import { Waker } from "./waker.ts";

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
/** How many servers are asked for certificates before a consensus is given up. */
const SERVERS_PER_CONSENSUS = 3;
/** A certificate is renewed so long before it expires, in ms. Authorities replace theirs before. */
const RENEW_BEFORE = 7 * DAY;
/** How often is looked whether a certificate is due, in ms. */
const CHECK_INTERVAL = HOUR;
/** The shortest pause after certificates could not be had, in ms. */
const RETRY_DELAY = 60_000;

/** What the keeper needs from its surroundings. */
export interface CertificateKeeperSettings {
  /** v3 identities of the configured authorities. */
  readonly authorities: readonly RsaIdentity[];
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly cache: DirectoryCache;
  readonly sources: DirectorySources;
  readonly bootstrap: BootstrapTracker;
  readonly log: Logger;
  /** Resolves when the client takes part in the network: at once, unless it is dormant. */
  readonly whenAwake: (signal: AbortSignal) => Promise<void>;
}

/** Loads, fetches and renews certificates. */
export class CertificateKeeper {
  /** Those that are held. */
  readonly store: CertificateStore;
  readonly #settings: CertificateKeeperSettings;
  readonly #waker: Waker;
  readonly #backoff: Backoff;
  #consensus: Consensus | undefined;

  constructor(settings: CertificateKeeperSettings) {
    this.#settings = settings;
    this.store = new CertificateStore(settings.authorities);
    this.#waker = new Waker(settings.clock);
    this.#backoff = new Backoff(settings.random, RETRY_DELAY, DAY);
  }

  /** Takes what the cache has. */
  async load(): Promise<void> {
    const { cache, log } = this.#settings;
    const certificates = await cache.readCertificates();
    if (certificates === undefined) return;
    try {
      await this.store.add(certificates);
    } catch (error) {
      log.warn(`The cached certificates cannot be used: ${describeError(error)}`);
      await cache.setCertificatesAside();
    }
  }

  /** Certificates of those who signed this consensus are kept from now on. */
  take(consensus: Consensus): void {
    this.#consensus = consensus;
    this.#waker.wake();
  }

  /**
   * Fetches what a consensus needs. The server that gave it is asked first, because it most likely
   * has them as well; then fallbacks.
   *
   * @throws the signal's reason; failures of servers are only logged
   */
  async fetch(
    missing: readonly CertificateId[],
    first: Source,
    signal: AbortSignal,
  ): Promise<void> {
    const { bootstrap, clock, sources } = this.#settings;
    bootstrap.reportDirectory("loading_keys");
    const asked = new Set<RsaIdentity>();
    let source: Source | undefined = sources.configured(first.server);
    while (source !== undefined && asked.size < SERVERS_PER_CONSENSUS) {
      asked.add(source.identity);
      const now = clock.now();
      const lacking = missing.filter((id) => !((this.store.get(id)?.expires ?? 0) > now));
      if (lacking.length === 0) break;
      await this.#fetchFrom(source, certificatesRequest(lacking), signal);
      source = sources.fallback(asked);
    }
  }

  /**
   * Once there is a consensus, fetches the certificates of those who signed it, and of configured
   * authorities whose newest certificate has expired (as C tor does) or soon will.
   *
   * @throws the signal's reason
   */
  async run(signal: AbortSignal): Promise<never> {
    const { clock, whenAwake } = this.#settings;
    for (;;) {
      await whenAwake(signal);
      if (this.#consensus === undefined) {
        await this.#waker.sleep(Infinity, signal);
        continue;
      }
      if (this.#requests(clock.now()).length === 0) {
        this.#backoff.reset();
        await this.#waker.sleep(CHECK_INTERVAL, signal);
        continue;
      }
      await this.#renew(signal);
      if (this.#requests(clock.now()).length > 0) {
        await this.#waker.sleep(this.#backoff.next(), signal);
      }
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { clock, log, sources } = this.#settings;
    for (const request of this.#requests(clock.now())) {
      const source = sources.pick(new Set());
      if (source === undefined) return;
      log.info("Some authority certificates are missing or about to expire; asking for new ones.");
      await this.#fetchFrom(source, request, signal);
    }
  }

  /** What is to be asked for now. */
  #requests(now: number): DocumentRequest[] {
    const { authorities } = this.#settings;
    const newest = new Map<RsaIdentity, number>();
    for (const { v3Identity, expires } of this.store.certificates) {
      newest.set(v3Identity, Math.max(newest.get(v3Identity) ?? 0, expires));
    }
    const due = authorities.filter((v3Identity) =>
      (newest.get(v3Identity) ?? 0) - RENEW_BEFORE <= now
    );
    // Of an authority whose newest is asked for anyway, that will most likely be the one.
    const unknown = (this.#consensus?.signatures ?? []).filter((signature) =>
      authorities.includes(signature.v3Identity) && !due.includes(signature.v3Identity) &&
      this.store.get(signature) === undefined
    );
    return [
      ...due.length > 0 ? [newestCertificatesRequest(due)] : [],
      ...unknown.length > 0 ? [certificatesRequest(unknown)] : [],
    ];
  }

  async #fetchFrom(source: Source, request: DocumentRequest, signal: AbortSignal): Promise<void> {
    const { cache, log } = this.#settings;
    try {
      const result = await source.fetch(request, signal);
      if (result.kind === "document" && await this.store.add(result.document)) {
        await cache.writeCertificates(this.store.encode());
      }
    } catch (error) {
      if (signal.aborted) throw error;
      log.info(
        `No authority certificates from ${scrub(serverAddress(source.server))}: ` +
          `${describeError(error)}`,
      );
    }
  }
}
