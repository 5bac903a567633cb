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
  type Microdescriptor,
  type MicrodescriptorDigest,
  parseMicrodescriptor,
  SharedParts,
} from "../netdoc/microdescriptor.ts";
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
/** How many are parsed before other work gets its turn: less than 5 ms. */
const PARSED_PER_TURN = 250;
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
  /** Called with each new snapshot. */
  readonly onNetDir: (netDir: NetDir) => void;
  /** Whether circuits can be built by what is known. */
  readonly isReady: () => boolean;
}

/** Loads, fetches and drops microdescriptors as the consensus lists them. */
export class MicrodescriptorKeeper {
  readonly #settings: MicrodescriptorKeeperSettings;
  readonly #shared = new SharedParts();
  readonly #unreadable = new Set<MicrodescriptorDigest>();
  readonly #waker: Waker;
  readonly #backoff: Backoff;
  #microdescriptors: ReadonlyMap<MicrodescriptorDigest, Microdescriptor> = new Map();
  #listed: ReadonlySet<MicrodescriptorDigest> = new Set();
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
    const listed = new Set(consensus.routers.map((router) => router.microdescriptorDigest));
    const cached = await this.#readCache(listed);
    const held = [...this.#microdescriptors].filter(([digest]) => listed.has(digest));
    this.#listed = listed;
    this.#microdescriptors = new Map([...held, ...cached]);
    for (const digest of this.#unreadable) {
      if (!listed.has(digest)) this.#unreadable.delete(digest);
    }
    this.#backoff.reset();
    this.#download = this.#newDownload();
    this.#publish(consensus);
    if (isUsable(liveness(consensus, clock.now()))) {
      await cache.noteListed(listed, consensus.validAfter);
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
      isMissing: (digest) => this.#listed.has(digest) && !this.#microdescriptors.has(digest),
    });
  }

  async #compact(): Promise<void> {
    this.#isCompactionDue = false;
    await this.#settings.cache.compactMicrodescriptors();
  }

  /** Reads those of `listed` that are on disk and not in memory. */
  async #readCache(
    listed: ReadonlySet<MicrodescriptorDigest>,
  ): Promise<Map<MicrodescriptorDigest, Microdescriptor>> {
    const wanted = [...listed].filter((digest) => !this.#microdescriptors.has(digest));
    const found = new Map<MicrodescriptorDigest, Microdescriptor>();
    let untilTurn = PARSED_PER_TURN;
    for (const [digest, text] of await this.#settings.cache.readMicrodescriptors(wanted)) {
      try {
        found.set(digest, parseMicrodescriptor(text, this.#shared));
      } catch (error) {
        if (!(error instanceof NetdocError)) throw error;
        this.#unreadable.add(digest);
      }
      if (--untilTurn > 0) continue;
      untilTurn = PARSED_PER_TURN;
      await nextTurn();
    }
    return found;
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
    const listed = entries.filter(({ digest }) => this.#listed.has(digest));
    if (listed.length === 0 || this.#netDir === undefined) return;
    const { consensus } = this.#netDir;
    // A new map: snapshots must not change behind their users' backs.
    this.#microdescriptors = new Map([
      ...this.#microdescriptors,
      ...listed.map(({ digest, microdescriptor }) => [digest, microdescriptor] as const),
    ]);
    this.#publish(consensus);
    const texts = new Map(
      listed.map(({ digest, start, end }) => [digest, documents.subarray(start, end)]),
    );
    await this.#settings.cache.appendMicrodescriptors(texts, consensus.validAfter);
  }

  #publish(consensus: Consensus): void {
    this.#netDir = new NetDir(consensus, this.#microdescriptors);
    this.#settings.onNetDir(this.#netDir);
  }
}
