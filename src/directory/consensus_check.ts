/**
 * Whether a consensus that came from somewhere may be used (dir-spec, "Accepting a consensus").
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { missingProtocols } from "../netdoc/client_protocols.ts";
import { type Consensus, consensusSteps } from "../netdoc/consensus.ts";
import { type CertificateId, verifyConsensus } from "../netdoc/consensus_signatures.ts";
import { inTurns } from "../runtime/event_loop.ts";
import type { CertificateStore } from "./certificate_store.ts";
import { type ClockEstimate, NOTABLE_SKEW } from "./clock_skews.ts";
import { clockSkewAdvice, describeDuration, liveness } from "./consensus_times.ts";
import { DirectoryError } from "./errors.ts";

/** Checks consensuses against the configured authorities and the certificates that are held. */
export class ConsensusChecker {
  readonly #authorities: readonly RsaIdentity[];
  readonly #certificates: CertificateStore;
  readonly #minInterval: number;
  readonly #clocks: () => ClockEstimate | undefined;

  /**
   * @param authorities v3 identities
   * @param minInterval the shortest time from valid-after to fresh-until that is believed, in ms
   * @param clocks what other clocks say of ours
   */
  constructor(
    authorities: readonly RsaIdentity[],
    certificates: CertificateStore,
    minInterval: number,
    clocks: () => ClockEstimate | undefined,
  ) {
    this.#authorities = authorities;
    this.#certificates = certificates;
    this.#minInterval = minInterval;
    this.#clocks = clocks;
  }

  /**
   * Parses a consensus, in several turns of the event loop, and checks that it is newer than the held one, that a majority of the
   * authorities signed it, and that it is valid now, a day more or less.
   *
   * @param now ms since 1970
   * @param fetchCertificates called when certificates are missing, to get them into the store
   * @throws DirectoryError `consensus-interval-too-short`, `consensus-not-newer`,
   * `consensus-certificates-missing`,
   * `consensus-certificates-expired`, `consensus-expired`, `consensus-stale`,
   * `consensus-from-future`; NetdocError
   * when it cannot be read or has too few signatures; what `fetchCertificates` throws
   */
  async check(
    document: Uint8Array,
    held: Consensus | undefined,
    now: number,
    fetchCertificates: (missing: readonly CertificateId[]) => Promise<void>,
  ): Promise<Consensus> {
    const consensus = await inTurns(consensusSteps(document));
    if (consensus.freshUntil - consensus.validAfter < this.#minInterval) {
      throw new DirectoryError(
        "consensus-interval-too-short",
        "the consensus would have to be replaced too often",
      );
    }
    if (held !== undefined && consensus.validAfter <= held.validAfter) {
      throw new DirectoryError(
        "consensus-not-newer",
        "the consensus is not newer than the one that is held",
      );
    }
    const missing = this.#verify(consensus, now);
    if (missing.length > 0) {
      await fetchCertificates(missing);
      this.#requireVerified(consensus, now);
    }
    // Only now, because times that nobody has signed say nothing about our clock.
    requireUsable(consensus, now, this.#clocks());
    return consensus;
  }

  /** Gives what is missing to verify it, or nothing when it is verified. */
  #verify(consensus: Consensus, now: number): readonly CertificateId[] {
    const found = verifyConsensus(
      consensus,
      this.#certificates.certificates,
      this.#authorities,
      now,
    );
    return found.state === "verified" ? [] : found.unknownKey;
  }

  #requireVerified(consensus: Consensus, now: number): void {
    const missing = this.#verify(consensus, now);
    if (missing.length === 0) return;
    const expired = missing.filter((id) => this.#certificates.get(id) !== undefined).length;
    if (expired > 0) {
      throw new DirectoryError(
        "consensus-certificates-expired",
        `the certificates of ${expired} authorities that signed the consensus have expired`,
      );
    }
    throw new DirectoryError(
      "consensus-certificates-missing",
      `${missing.length} certificates that could verify the consensus were not served`,
    );
  }
}

function requireUsable(
  consensus: Consensus,
  now: number,
  clocks: ClockEstimate | undefined,
): void {
  switch (liveness(consensus, now)) {
    case "future":
      throw new DirectoryError(
        "consensus-from-future",
        clockSkewAdvice(consensus, now) ?? "the consensus is not valid yet",
      );
    case "expired":
      throw new DirectoryError(
        clocks === undefined || Math.abs(clocks.skew) >= NOTABLE_SKEW
          ? "consensus-expired"
          // Our clock is right, so that looking at it would help nobody.
          : "consensus-stale",
        `the consensus expired ${describeDuration(now - consensus.validUntil)} ago by our clock`,
      );
  }
}

/**
 * Refuses to go on without what a majority of the authorities calls necessary for clients, unless
 * they said so before this version was released.
 *
 * @param released ms since 1970
 * @returns what they merely recommend and we lack, as a sentence, if there is any
 * @throws DirectoryError `protocols-required`
 */
export function checkProtocols(consensus: Consensus, released?: number): string | undefined {
  const { required, recommended } = missingProtocols(consensus, released);
  if (required.length > 0) {
    throw new DirectoryError(
      "protocols-required",
      `the network requires ${required.join(" ")} of clients, which this version does not have`,
    );
  }
  if (recommended.length === 0) return undefined;
  return `The network recommends ${recommended.join(" ")} to clients, which this version lacks: ` +
    "it will stop working one day. Look for a newer one.";
}
