/**
 * What every circuit handshake is for the code that extends a circuit.
 *
 * @module
 */
import type { HopKeys } from "./relay_crypto.ts";

/**
 * A handshake that the client has begun with one relay.
 *
 * @typeParam Result the hop's keys, or for ntor-v3 the keys and the relay's message
 */
export interface ClientHandshake<Result = HopKeys> {
  /** The bytes to send in CREATE_FAST, CREATE2 or EXTEND2. */
  readonly onionSkin: Uint8Array<ArrayBuffer>;
  /**
   * Checks the relay's reply and derives the hop's keys.
   *
   * @param reply the handshake data of CREATED_FAST, CREATED2 or EXTENDED2; bytes after those that
   *   the handshake defines are ignored
   * @throws CryptoError when the relay has not proved that it knows its part of the secret
   */
  complete(reply: Uint8Array): Result;
}
