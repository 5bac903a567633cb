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
import {
  microdescriptorDigestBytes,
  microdescriptorDigestFromBytes,
} from "../netdoc/microdescriptor_digest.ts";
import { NetdocError } from "../netdoc/errors.ts";
import type { BootstrapTracker } from "../observe/bootstrap.ts";
import type { Logger } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import { inTurns, nextTurn } from "../runtime/event_loop.ts";
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
/** How many are looked up before other work gets its turn: less than 3 ms. */
const LOOKED_UP_PER_TURN = 2000;
/** How many are copied before other work gets its turn: less than 3 ms. */
const COPIED_PER_TURN = 500;
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
  readonly #shared = new SharedParts();
  readonly #unreadable = new Set<MicrodescriptorDigest>();
  readonly #waker: Waker;
  readonly #backoff: Backoff;
  /** More is added all the time: a snapshot shows what was there when it was made. */
  #microdescriptors = new MicrodescriptorTable();
  #listed = new DigestTable();
  /** How many came since the last snapshot. */
  #unpublished = 0;
  #download: MicrodescriptorDownload;
  /** The newest one that was taken; {@link #netDir} may still be of the one before. */
  #consensus: Consensus | undefined;
  #netDir: NetDir | undefined;
  #publishing: Promise<void> = Promise.resolve();
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
    const listed = await inTurns(listedSteps(consensus));
    if (this.#microdescriptors.size === 0) {
      this.#microdescriptors = new MicrodescriptorTable(listed.size);
    }
    await this.#readCache(listed);
    await nextTurn();
    this.#listed = listed;
    this.#consensus = consensus;
    if (this.#microdescriptors.size > WORTH_COPYING * listed.size) await this.#drop(listed);
    for (const digest of this.#unreadable) {
      if (!this.#isListed(digest)) this.#unreadable.delete(digest);
    }
    this.#backoff.reset();
    this.#download = this.#newDownload();
    await this.#publish();
    if (isUsable(liveness(consensus, clock.now()))) {
      await nextTurn();
      await cache.noteListed(digestsOf(listed), consensus.validAfter);
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
      if (this.#unpublished > 0) await this.#publish();
      this.#shared.forget();
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
      isMissing: (digest) =>
        this.#isListed(digest) && !this.#microdescriptors.has(microdescriptorDigestBytes(digest)),
    });
  }

  async #compact(): Promise<void> {
    this.#isCompactionDue = false;
    await this.#settings.cache.compactMicrodescriptors();
  }

  /** Reads what a consensus lists, if it is on disk and not in memory. */
  async #readCache(listed: DigestTable): Promise<void> {
    const table = this.#microdescriptors;
    const wanted: number[] = [];
    for (let number = 0; number < listed.size; number++) {
      if (!table.has(listed.digest(number))) wanted.push(number);
      if (number % LOOKED_UP_PER_TURN === LOOKED_UP_PER_TURN - 1) await nextTurn();
    }
    if (wanted.length === 0) return;
    const digests = wanted.values().map((number) => listed.digest(number));
    await this.#settings.cache.readMicrodescriptors(digests, (digest, text) => {
      try {
        table.add(digest, parseMicrodescriptor(text, this.#shared));
      } catch (error) {
        if (!(error instanceof NetdocError)) throw error;
        this.#unreadable.add(microdescriptorDigestFromBytes(digest));
      }
    });
    // The few that come later may have some of it twice.
    this.#shared.forget();
  }

  /** Keeps only what a consensus lists. */
  async #drop(listed: DigestTable): Promise<void> {
    const table = this.#microdescriptors;
    const kept = new MicrodescriptorTable(listed.size);
    // More may be added meanwhile, and comes last.
    for (let number = 0; number < table.size; number++) {
      const digest = table.digest(number);
      if (listed.find(digest) >= 0) kept.add(digest, table.at(number));
      if (number % COPIED_PER_TURN === COPIED_PER_TURN - 1) await nextTurn();
    }
    this.#microdescriptors = kept;
  }

  #isListed(digest: MicrodescriptorDigest): boolean {
    return this.#listed.find(microdescriptorDigestBytes(digest)) >= 0;
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
    if (listed.length === 0 || this.#consensus === undefined) return;
    for (const { digest, microdescriptor } of listed) {
      this.#microdescriptors.add(microdescriptorDigestBytes(digest), microdescriptor);
    }
    this.#unpublished += listed.length;
    await nextTurn();
    // What is learnt may make the client ready. Once it is, a snapshot for each reply is a waste.
    if (this.#unpublished >= MANY || (this.#unpublished > 0 && !this.#settings.isReady())) {
      await this.#publish();
    }
    const texts = new Map(
      listed.map(({ digest, start, end }) => [digest, documents.subarray(start, end)]),
    );
    await this.#settings.cache.appendMicrodescriptors(texts, this.#consensus.validAfter);
  }

  /** Makes a snapshot and shows it, after those that are being made. */
  async #publish(): Promise<void> {
    const turn = this.#publishing.then(() => this.#publishNow());
    this.#publishing = turn.catch(() => undefined);
    await turn;
  }

  /** Does it in several turns of the event loop. */
  async #publishNow(): Promise<void> {
    const consensus = this.#consensus;
    const isNew = this.#netDir?.consensus !== consensus || this.#unpublished > 0;
    if (consensus === undefined || !isNew) return;
    this.#unpublished = 0;
    const netDir = await inTurns(
      NetDir.steps(consensus, this.#microdescriptors, this.#netDir),
    );
    // One of a later consensus comes next.
    if (this.#consensus !== consensus) return;
    this.#netDir = netDir;
    await nextTurn();
    this.#settings.prepare(netDir);
    await nextTurn();
    this.#settings.onNetDir(netDir);
  }
}

/** Collects the digests that a consensus lists, a few in each step. */
function* listedSteps({ routers }: Consensus): Generator<void, DigestTable> {
  const listed = new DigestTable(routers.length);
  let untilStep = LOOKED_UP_PER_TURN;
  for (const { microdescriptorDigest } of routers) {
    listed.add(microdescriptorDigestBytes(microdescriptorDigest));
    if (--untilStep > 0) continue;
    untilStep = LOOKED_UP_PER_TURN;
    yield;
  }
  return listed;
}

function* digestsOf(listed: DigestTable): Generator<Uint8Array> {
  for (let number = 0; number < listed.size; number++) yield listed.digest(number);
}
