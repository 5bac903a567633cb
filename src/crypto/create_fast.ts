/**
 * The CREATE_FAST handshake, for a first hop whose onion key is not known yet. Only TLS protects
 * it, so it is never used further along a circuit.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import type { ClientHandshake } from "./client_handshake.ts";
import { CryptoError } from "./errors.ts";
import { HOP_KEY_MATERIAL_LENGTH, hopKeysFrom, kdfTor } from "./kdf.ts";
import type { HopKeys } from "./relay_crypto.ts";

/** Length of X, of Y and of KH, in bytes. */
const HASH_LENGTH = 20;

/**
 * The client's half of CREATE_FAST (tor-spec, create-fast):
 *
 * | CREATE_FAST  |                 |
 * | ------------ | --------------- |
 * | 20           | X               |
 *
 * | CREATED_FAST |                 |
 * | ------------ | --------------- |
 * | 20           | Y               |
 * | 20           | KH              |
 */
export class CreateFastClientState implements ClientHandshake {
  /** X: 20 bytes. */
  readonly onionSkin: Uint8Array<ArrayBuffer>;

  /**
   * @param x 20 random bytes, used for this one handshake; copied
   * @throws RangeError when `x` has another length
   */
  constructor(x: Uint8Array) {
    if (x.length !== HASH_LENGTH) throw new RangeError(`X has 20 bytes, not ${x.length}`);
    this.onionSkin = new Uint8Array(x);
  }

  /**
   * @param reply Y and KH: 40 bytes; later bytes are ignored
   * @throws CryptoError `handshake-reply-length`, `fast-digest-mismatch`
   */
  complete(reply: Uint8Array): HopKeys {
    if (reply.length < 2 * HASH_LENGTH) {
      throw new CryptoError(
        "handshake-reply-length",
        `CREATED_FAST holds ${reply.length} bytes, not 40`,
      );
    }
    const k0 = new Uint8Array(2 * HASH_LENGTH);
    k0.set(this.onionSkin);
    k0.set(reply.subarray(0, HASH_LENGTH), HASH_LENGTH);
    const material = kdfTor(k0, HASH_LENGTH + HOP_KEY_MATERIAL_LENGTH);
    const kh = material.subarray(0, HASH_LENGTH);
    if (!timingSafeEqual(kh, reply.subarray(HASH_LENGTH, 2 * HASH_LENGTH))) {
      throw new CryptoError(
        "fast-digest-mismatch",
        "CREATED_FAST does not prove that the relay has our key material",
      );
    }
    return hopKeysFrom(material.subarray(HASH_LENGTH));
  }
}

/** Begins a CREATE_FAST handshake with 20 random bytes. */
export function createFastClientStart(x: Uint8Array): CreateFastClientState {
  return new CreateFastClientState(x);
}
