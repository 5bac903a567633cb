/**
 * Fetches one consensus from one server, whole or as a diff, and checks it.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import type { Consensus } from "../netdoc/consensus.ts";
import { isConsensusDiff } from "../netdoc/consensus_diff.ts";
import type { BootstrapTracker } from "../observe/bootstrap.ts";
import type { Logger } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import type { CertificateKeeper } from "./certificate_keeper.ts";
import type { ClockSkews } from "./clock_skews.ts";
import { checkProtocols, ConsensusChecker } from "./consensus_check.ts";
import type { ConsensusDiffs } from "./consensus_diffs.ts";
import { skewAdvice } from "./consensus_times.ts";
import { DirectoryError } from "./errors.ts";
import { consensusModifiedSince, consensusRequest } from "./requests.ts";
import type { Source } from "./sources.ts";

/** What a download needs from its surroundings. */
export interface ConsensusDownloadSettings {
  readonly config: Pick<Config, "downloads">;
  /** v3 identities of the configured authorities. */
  readonly authorities: readonly RsaIdentity[];
  readonly clock: Clock;
  readonly certificates: CertificateKeeper;
  readonly bootstrap: BootstrapTracker;
  readonly clockSkews: ClockSkews;
  /** When this version was released, in ms since 1970, if not when netdoc's RELEASED says. */
  readonly released: number | undefined;
  readonly log: Logger;
}

/** A consensus that was found good, and its text. */
export interface AcceptedConsensus {
  readonly consensus: Consensus;
  readonly document: Uint8Array;
}

/** Fetches and checks consensuses, and remembers what it has said about them. */
export class ConsensusDownload {
  readonly #settings: ConsensusDownloadSettings;
  readonly #diffs: ConsensusDiffs;
  readonly #checker: ConsensusChecker;
  /** What the network recommends and we lack, as it was last said. */
  #lack: string | undefined;
  /** Whether it was said that our clock is wrong, and not yet been found right. */
  #isClockDoubted = false;

  constructor(settings: ConsensusDownloadSettings, diffs: ConsensusDiffs) {
    const { authorities, certificates, clockSkews, config } = settings;
    this.#settings = settings;
    this.#diffs = diffs;
    this.#checker = new ConsensusChecker(
      authorities,
      certificates.store,
      config.downloads.minConsensusInterval,
      () => clockSkews.estimate(),
    );
  }

  /**
   * Checks a consensus that was on disk, by the certificates that are held.
   *
   * @throws as ConsensusChecker.check; DirectoryError `protocols-required`
   */
  async checkCached(document: Uint8Array): Promise<Consensus> {
    const now = this.#settings.clock.now();
    const noFetch = () => Promise.resolve();
    const consensus = await this.#checker.check(document, undefined, now, noFetch);
    this.#noteProtocols(consensus);
    return consensus;
  }

  /**
   * Fetches a consensus from one server and checks it.
   *
   * @param held the one that it must be newer than
   * @param onLoading called when an answer begins to arrive
   * @throws as Source.fetch and ConsensusChecker.check; NetdocError for a diff that is no good;
   * DirectoryError `consensus-not-newer` (also when the server says so), `protocols-required`
   */
  async fetch(
    source: Source,
    held: Consensus | undefined,
    signal: AbortSignal,
    onLoading?: () => void,
  ): Promise<AcceptedConsensus> {
    const { authorities, bootstrap, clock } = this.#settings;
    const diffFrom = this.#diffs.base(clock.now());
    const request = consensusRequest(
      authorities,
      held && consensusModifiedSince(held.validAfter, held.freshUntil),
      diffFrom,
    );
    const observer = {
      onRequested: () => bootstrap.reportDirectory("requesting_status"),
      onLoading: () => {
        bootstrap.reportDirectory("loading_status");
        onLoading?.();
      },
    };
    const result = await source.fetch(request, signal, observer).catch((error) => {
      // What could not even be read may have been a diff.
      if (diffFrom !== undefined && isUnreadable(error)) this.#diffs.noteFailure();
      throw error;
    });
    this.#noteServerTime(source, result.clockSkew);
    if (result.kind === "not-modified") {
      throw new DirectoryError("consensus-not-newer", "the server has no newer consensus");
    }
    if (diffFrom === undefined || !isConsensusDiff(result.document)) {
      return await this.#check(result.document, held, source, signal);
    }
    try {
      const document = await this.#diffs.apply(result.document);
      const accepted = await this.#check(document, held, source, signal);
      this.#diffs.noteSuccess();
      this.#settings.log.info(
        `A diff of ${result.document.length} bytes gave a consensus of ${document.length} bytes.`,
      );
      return accepted;
    } catch (error) {
      if (!signal.aborted) this.#diffs.noteFailure();
      throw error;
    }
  }

  async #check(
    document: Uint8Array,
    held: Consensus | undefined,
    source: Source,
    signal: AbortSignal,
  ): Promise<AcceptedConsensus> {
    const { certificates, clock } = this.#settings;
    const consensus = await this.#checker.check(
      document,
      held,
      clock.now(),
      (missing) => certificates.fetch(missing, source, signal),
    );
    this.#noteProtocols(consensus);
    return { consensus, document };
  }

  #noteProtocols(consensus: Consensus): void {
    const lack = checkProtocols(consensus, this.#settings.released);
    if (lack !== undefined && lack !== this.#lack) this.#settings.log.warn(lack);
    this.#lack = lack;
  }

  #noteServerTime(source: Source, skew: number | undefined): void {
    if (skew === undefined) return;
    const { clockSkews, log } = this.#settings;
    clockSkews.note(source.identity, skew, source.server.kind === "authority");
    const estimate = clockSkews.estimate();
    if (estimate === undefined) return;
    const advice = skewAdvice(estimate);
    if (advice !== undefined && !this.#isClockDoubted) log.warn(advice);
    this.#isClockDoubted = advice !== undefined;
  }
}

/** Whether a whole answer came that was no document. */
function isUnreadable(error: unknown): boolean {
  return error instanceof DirectoryError &&
    (error.code === "directory-compression-bomb" || error.code === "directory-http-too-large" ||
      error.code === "directory-encoding-invalid");
}
