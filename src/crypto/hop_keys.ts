/**
 * The keys of one hop.
 *
 * @module
 */

/** What a circuit handshake gives for one hop (tor-spec, setting-circuit-keys). */
export interface HopKeys {
  /** Df, the seed of the digest of cells from the client: 20 bytes. */
  readonly forwardDigest: Uint8Array;
  /** Db, the seed of the digest of cells to the client: 20 bytes. */
  readonly backwardDigest: Uint8Array;
  /** Kf, the AES-128 key of cells from the client: 16 bytes. */
  readonly forwardKey: Uint8Array;
  /** Kb, the AES-128 key of cells to the client: 16 bytes. */
  readonly backwardKey: Uint8Array;
}
