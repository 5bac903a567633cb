/**
 * What this client speaks, and since when: the two facts that a consensus is held against when it
 * says what clients must speak.
 *
 * @module
 */
import { ProtocolVersions } from "./protocols.ts";

/** The subprotocol versions that this client speaks (tor-spec, "Subprotocol versioning"). */
export const SUPPORTED_PROTOCOLS: ProtocolVersions = ProtocolVersions.parse(
  "Cons=1-2 Desc=1-2 FlowCtrl=1-2 Link=4-5 Microdesc=1-3 Relay=1-2,4",
);

/**
 * When this version was released, in ms since 1970; to be set with each. What an older consensus
 * demands may have been taken back by the time of the release, so that only newer ones count
 * (C tor: approx_release_date).
 */
export const RELEASED: number = Date.UTC(2026, 10, 23);

/** What a client lacks of what a consensus requires and recommends, as entries like "Link=6". */
export interface MissingProtocols {
  readonly required: readonly string[];
  readonly recommended: readonly string[];
}

/**
 * What this client lacks; nothing, if the consensus is older than `released`.
 *
 * @param released ms since 1970
 */
export function missingProtocols(
  consensus: {
    readonly validAfter: number;
    readonly requiredClientProtocols: ProtocolVersions;
    readonly recommendedClientProtocols: ProtocolVersions;
  },
  released: number = RELEASED,
): MissingProtocols {
  if (consensus.validAfter < released) return { required: [], recommended: [] };
  const missing = (versions: ProtocolVersions) => versions.notSupportedBy(SUPPORTED_PROTOCOLS);
  return {
    required: missing(consensus.requiredClientProtocols),
    recommended: missing(consensus.recommendedClientProtocols),
  };
}
