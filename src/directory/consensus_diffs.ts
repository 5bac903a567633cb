/**
 * Asks for and applies consensus diffs, so that a new consensus costs a fraction of a whole one.
 *
 * The consensus that a diff is applied to is read from disk, where it is anyway: nothing of its
 * 2.6 MB stays in memory between two fetches. Where it is not there any more, or a diff is no good,
 * the next request asks for a whole consensus.
 *
 * @module
 */
import type { Consensus } from "../netdoc/consensus.ts";
import { consensusDiffSteps, signedSha3Steps } from "../netdoc/consensus_diff.ts";
import { NetdocError } from "../netdoc/errors.ts";
import { consensusParameter } from "../netdoc/parameters.ts";
import { inTurns } from "../runtime/event_loop.ts";
import type { DirectoryCache } from "./cache.ts";
import { MAX_CONSENSUS_LENGTH } from "./requests.ts";

const HOUR = 60 * 60_000;

/** How often a consensus came as a diff. */
export interface DiffCounts {
  /** Diffs whose result was accepted. */
  readonly applied: number;
  /** Diffs that were no good, or whose result was not. */
  readonly failed: number;
}

interface Base {
  /** SHA3-256 of what is signed: 64 upper-case hexadecimal digits, as C tor sends it. */
  readonly digest: string;
  /** Until when diffs from it are asked for, in ms since 1970. */
  readonly until: number;
}

/** Keeps the name of the consensus that diffs are asked from. */
export class ConsensusDiffs {
  readonly #cache: Pick<DirectoryCache, "readConsensus">;
  #base: Base | undefined;
  #applied = 0;
  #failed = 0;

  constructor(cache: Pick<DirectoryCache, "readConsensus">) {
    this.#cache = cache;
  }

  /** Since the start. */
  get counts(): DiffCounts {
    return { applied: this.#applied, failed: this.#failed };
  }

  /** From now on this consensus, which was accepted and is on disk, is what diffs are from. */
  async take(consensus: Consensus, document: Uint8Array): Promise<void> {
    const maxAge = consensusParameter(consensus.parameters, "try-diff-for-consensus-newer-than");
    const digest = await inTurns(signedSha3Steps(document));
    this.#base = {
      digest: digest.toHex().toUpperCase(),
      until: consensus.validAfter + maxAge * HOUR,
    };
  }

  /**
   * What to ask a diff from, for DocumentRequest.diffFrom; `undefined` when a whole consensus must
   * be asked for.
   *
   * @param now ms since 1970
   */
  base(now: number): string | undefined {
    return this.#base !== undefined && now <= this.#base.until ? this.#base.digest : undefined;
  }

  /**
   * The consensus that a diff makes. It is to be checked as any other, and the outcome told by
   * {@link noteSuccess} or, as with what is thrown here, {@link noteFailure}.
   *
   * @throws NetdocError as applyConsensusDiff
   */
  async apply(diff: Uint8Array): Promise<Uint8Array> {
    const digest = this.#base?.digest;
    const base = await this.#cache.readConsensus();
    if (base === undefined || digest === undefined) {
      throw new NetdocError(
        "consensus-diff-wrong-base",
        "the consensus that a diff is for is not on disk any more",
      );
    }
    const baseDigest = Uint8Array.fromHex(digest);
    return await inTurns(consensusDiffSteps(base, diff, MAX_CONSENSUS_LENGTH, baseDigest));
  }

  /** A diff gave a consensus that was accepted. */
  noteSuccess(): void {
    this.#applied += 1;
  }

  /** A diff was no good: the next consensus is asked for whole. */
  noteFailure(): void {
    this.#failed += 1;
    this.#base = undefined;
  }
}
