/**
 * Keeps the microdescriptors of the current consensus, and makes a new snapshot of the network when
 * there is something new.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import { NetDir } from "../netdir/net_dir.ts";
import type { Consensus } from "../netdoc/consensus.ts";
import {
  type MicrodescriptorDigest,
  parseMicrodescriptor,
  SharedParts,
} from "../netdoc/microdescriptor.ts";
import { MicrodescriptorTable } from "../netdoc/microdescriptor_table.ts";
import { DigestTable } from "../netdoc/digest_table.ts";
import { NetdocError } from "../netdoc/errors.ts";
import type { BootstrapTracker } from "../observe/bootstrap.ts";
import type { Logger } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import { nextTurn } from "../runtime/event_loop.ts";
import type { RandomSource } from "../runtime/random.ts";
import { Backoff } from "./backoff.ts";
import type { DirectoryCache } from "./cache.ts";
import { isUsable, liveness } from "./consensus_times.ts";
import {
  MicrodescriptorDownload,
  type ReceivedMicrodescriptors,
} from "./microdescriptor_download.ts";
import type { DirectorySources } from "./sources.ts";
import { Waker } from "./waker.ts";

/** Fewer than this many wait for company, when circuits can be built without them (C tor). */
const FEW = 16;
/** When so many came that no snapshot shows, there is a new one in the middle of a round. */
const MANY = 2000;
/** What is not listed any more is dropped when the table has more than so many times what is. */
const WORTH_COPYING = 1.25;
/** While no circuits can be built, the next round is never further away; ms. */
const LONGEST_WAIT = 5 * 60_000;

/** What the keeper needs from its surroundings. */
export interface MicrodescriptorKeeperSettings {
  readonly config: Pick<Config, "downloads">;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly cache: DirectoryCache;
  readonly sources: DirectorySources;
  readonly bootstrap: BootstrapTracker;
  readonly log: Logger;
  /** Resolves when the client takes part in the network: at once, unless it is dormant. */
  readonly whenAwake: (signal: AbortSignal) => Promise<void>;
  /** Called before {@link onNetDir}, to compute what that needs in a turn of its own. */
  readonly prepare: (netDir: NetDir) => void;
  /** Called with each new snapshot. */
  readonly onNetDir: (netDir: NetDir) => void;
  /** Whether circuits can be built by what is known. */
  readonly isReady: () => boolean;
}

/** Loads, fetches and drops microdescriptors as the consensus lists them. */
export class MicrodescriptorKeeper {
  readonly #settings: MicrodescriptorKeeperSettings;
  #shared = new SharedParts();
  readonly #unreadable = new Set<MicrodescriptorDigest>();
  readonly #waker: Waker;
  readonly #backoff: Backoff;
  /** More is added all the time: a snapshot shows what was there when it was made. */
  #microdescriptors = new MicrodescriptorTable();
  #listed = new DigestTable();
  /** How many came since the last snapshot. */
  #unpublished = 0;
  #download: MicrodescriptorDownload;
  #netDir: NetDir | undefined;
  #lastRequest = -Infinity;
  /** Whether a consensus came since the cache was last compacted. */
  #isCompactionDue = false;

  constructor(settings: MicrodescriptorKeeperSettings) {
    this.#settings = settings;
    this.#waker = new Waker(settings.clock);
    this.#backoff = new Backoff(settings.random, settings.config.downloads.documentDelay);
    this.#download = this.#newDownload();
  }

  /** Takes a consensus: drops what it does not list, and makes a snapshot of what is there. */
  async take(consensus: Consensus): Promise<void> {
    const { cache, clock } = this.#settings;
    await this.#readCache(consensus);
    await nextTurn();
    const listed = new DigestTable(consensus.routers.length);
    for (const digest of digestsOf(consensus)) listed.add(bytesOf(digest));
    await nextTurn();
    this.#listed = listed;
    if (this.#microdescriptors.size > WORTH_COPYING * listed.size) this.#drop(consensus);
    for (const digest of this.#unreadable) {
      if (!this.#isListed(digest)) this.#unreadable.delete(digest);
    }
    this.#backoff.reset();
    this.#download = this.#newDownload();
    await this.#publish(consensus);
    if (isUsable(liveness(consensus, clock.now()))) {
      await cache.noteListed(digestsOf(consensus), consensus.validAfter);
      this.#isCompactionDue = true;
    }
    this.#waker.wake();
  }

  /**
   * Fetches what is missing, until the signal is aborted.
   *
   * @throws the signal's reason
   */
  async run(signal: AbortSignal): Promise<never> {
    const { bootstrap, clock } = this.#settings;
    for (;;) {
      await this.#settings.whenAwake(signal);
      const missing = this.#missing();
      const wait = missing.length === 0 ? Infinity : this.#waitForCompany(missing.length);
      if (wait > 0) {
        if (this.#isCompactionDue) await this.#compact();
        await this.#waker.sleep(wait, signal);
        continue;
      }
      bootstrap.reportDirectory("requesting_descriptors");
      this.#lastRequest = clock.monotonic();
      const download = this.#download;
      await download.round(missing, (received) => this.#receive(received), signal);
      if (this.#unpublished > 0 && this.#netDir !== undefined) {
        await this.#publish(this.#netDir.consensus);
      }
      await this.#compact();
      // A new consensus starts a new count, and has woken the sleeper.
      if (download === this.#download && this.#missing().length > 0) {
        const wait = this.#backoff.next();
        await this.#waker.sleep(
          this.#settings.isReady() ? wait : Math.min(wait, LONGEST_WAIT),
          signal,
        );
      }
    }
  }

  #newDownload(): MicrodescriptorDownload {
    const { sources, log } = this.#settings;
    return new MicrodescriptorDownload(sources, log, {
      shared: this.#shared,
      unreadable: this.#unreadable,
      isMissing: (digest) => this.#isListed(digest) && !this.#microdescriptors.has(digest),
    });
  }

  async #compact(): Promise<void> {
    this.#isCompactionDue = false;
    await this.#settings.cache.compactMicrodescriptors();
  }

  /** Reads what a consensus lists, if it is on disk and not in memory. */
  async #readCache(consensus: Consensus): Promise<void> {
    const table = this.#microdescriptors;
    const wanted = digestsOf(consensus).filter((digest) => !table.has(digest));
    await this.#settings.cache.readMicrodescriptors(wanted, (digest, text) => {
      try {
        table.add(digest, parseMicrodescriptor(text, this.#shared));
      } catch (error) {
        if (!(error instanceof NetdocError)) throw error;
        this.#unreadable.add(digest);
      }
    });
  }

  /** Keeps only what a consensus lists. */
  #drop(consensus: Consensus): void {
    const kept = new MicrodescriptorTable(consensus.routers.length);
    for (const digest of digestsOf(consensus)) {
      const microdescriptor = this.#microdescriptors.get(digest);
      if (microdescriptor !== undefined) kept.add(digest, microdescriptor);
    }
    this.#microdescriptors = kept;
    // It has what was dropped too.
    this.#shared = new SharedParts();
  }

  #isListed(digest: MicrodescriptorDigest): boolean {
    return this.#listed.find(bytesOf(digest)) >= 0;
  }

  #missing(): readonly MicrodescriptorDigest[] {
    const netDir = this.#netDir;
    const now = this.#settings.clock.now();
    if (netDir === undefined || !isUsable(liveness(netDir.consensus, now))) return [];
    return netDir.missingMicrodescriptors().filter((digest) => !this.#unreadable.has(digest));
  }

  /** How long to wait before so many are asked for, in ms. */
  #waitForCompany(count: number): number {
    const { clock, config, isReady } = this.#settings;
    if (count >= FEW || !isReady()) return 0;
    return this.#lastRequest + config.downloads.maxIntervalWithoutRequest - clock.monotonic();
  }

  async #receive({ entries, documents }: ReceivedMicrodescriptors): Promise<void> {
    // The consensus may have changed since they were asked for.
    const listed = entries.filter(({ digest }) => this.#isListed(digest));
    if (listed.length === 0 || this.#netDir === undefined) return;
    for (const { digest, microdescriptor } of listed) {
      this.#microdescriptors.add(digest, microdescriptor);
    }
    this.#unpublished += listed.length;
    await nextTurn();
    // What is learnt may make the client ready. Once it is, a snapshot for each reply is a waste.
    if (this.#unpublished >= MANY || (this.#unpublished > 0 && !this.#settings.isReady())) {
      await this.#publish(this.#netDir.consensus);
    }
    const { consensus } = this.#netDir;
    const texts = new Map(
      listed.map(({ digest, start, end }) => [digest, documents.subarray(start, end)]),
    );
    await this.#settings.cache.appendMicrodescriptors(texts, consensus.validAfter);
  }

  /** Makes a snapshot and shows it, in several turns of the event loop. */
  async #publish(consensus: Consensus): Promise<void> {
    this.#unpublished = 0;
    const netDir = new NetDir(consensus, this.#microdescriptors, this.#netDir);
    this.#netDir = netDir;
    await nextTurn();
    this.#settings.prepare(netDir);
    await nextTurn();
    // A later one may have come before it.
    if (this.#netDir === netDir) this.#settings.onNetDir(netDir);
  }
}

function* digestsOf({ routers }: Consensus): Generator<MicrodescriptorDigest> {
  for (const { microdescriptorDigest } of routers) yield microdescriptorDigest;
}

function bytesOf(digest: MicrodescriptorDigest): Uint8Array {
  return Uint8Array.fromBase64(digest);
}
