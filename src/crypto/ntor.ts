/**
 * The client's side of the ntor handshake, which every CREATE2 and EXTEND2 uses.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { ClientHandshake } from "./client_handshake.ts";
import { CryptoError } from "./errors.ts";
import { type RsaIdentity, rsaIdentityBytes } from "./identity.ts";
import { HOP_KEY_MATERIAL_LENGTH, hopKeysFrom, kdfRfc5869 } from "./kdf.ts";
import type { HopKeys } from "./relay_crypto.ts";
import { X25519_LENGTH, X25519KeyPair } from "./x25519.ts";

const encoder = new TextEncoder();

/** The constants of "ntor-curve25519-sha256-1" (tor-spec, ntor). */
export const NTOR = {
  protoId: encoder.encode("ntor-curve25519-sha256-1"),
  tMac: encoder.encode("ntor-curve25519-sha256-1:mac"),
  tKey: encoder.encode("ntor-curve25519-sha256-1:key_extract"),
  tVerify: encoder.encode("ntor-curve25519-sha256-1:verify"),
  mExpand: encoder.encode("ntor-curve25519-sha256-1:key_expand"),
  server: encoder.encode("Server"),
  /** Length of the relay's reply: Y and AUTH, in bytes. */
  replyLength: 64,
} as const;

/** What both sides of an ntor handshake hash. */
export interface NtorTranscript {
  /** EXP(Y,x), which is EXP(X,y): 32 bytes. */
  readonly ephemeralSecret: Uint8Array;
  /** EXP(B,x), which is EXP(X,b): 32 bytes. */
  readonly onionKeySecret: Uint8Array;
  /** The relay's RSA identity: 20 bytes. */
  readonly id: Uint8Array;
  /** The relay's onion key: 32 bytes. */
  readonly b: Uint8Array;
  /** The client's ephemeral public key: 32 bytes. */
  readonly x: Uint8Array;
  /** The relay's ephemeral public key: 32 bytes. */
  readonly y: Uint8Array;
}

/** AUTH (32 bytes) and the 72 bytes of key material that follow from a handshake. */
export function ntorOutput(
  transcript: NtorTranscript,
): { readonly auth: Uint8Array; readonly material: Uint8Array } {
  const { ephemeralSecret, onionKeySecret, id, b, x, y } = transcript;
  const secretInput = concat(ephemeralSecret, onionKeySecret, id, b, x, y, NTOR.protoId);
  const verify = hmac(secretInput, NTOR.tVerify);
  const authInput = concat(verify, id, b, y, x, NTOR.protoId, NTOR.server);
  const material = kdfRfc5869(secretInput, NTOR.tKey, NTOR.mExpand, HOP_KEY_MATERIAL_LENGTH);
  secretInput.fill(0);
  return { auth: hmac(authInput, NTOR.tMac), material };
}

/**
 * The client's half of an ntor handshake:
 *
 * | onion skin |                          |
 * | ---------- | ------------------------ |
 * | 20         | ID: RSA identity         |
 * | 32         | KEYID: the onion key B   |
 * | 32         | X                        |
 *
 * | reply      |                          |
 * | ---------- | ------------------------ |
 * | 32         | Y                        |
 * | 32         | AUTH                     |
 */
export class NtorClientState implements ClientHandshake {
  /** ID, KEYID and X: 84 bytes. */
  readonly onionSkin: Uint8Array<ArrayBuffer>;
  readonly #id: Uint8Array;
  readonly #onionKey: Uint8Array;
  readonly #keyPair: X25519KeyPair;

  /**
   * @param relay the relay's RSA identity and its onion key of 32 bytes; copied
   * @param secret 32 random bytes, used for this one handshake; copied
   * @throws RangeError when the onion key or the secret has another length
   */
  constructor(
    relay: { readonly rsaIdentity: RsaIdentity; readonly onionKey: Uint8Array },
    secret: Uint8Array,
  ) {
    if (relay.onionKey.length !== X25519_LENGTH) {
      throw new RangeError(`an onion key has 32 bytes, not ${relay.onionKey.length}`);
    }
    this.#id = rsaIdentityBytes(relay.rsaIdentity);
    this.#onionKey = new Uint8Array(relay.onionKey);
    this.#keyPair = new X25519KeyPair(secret);
    this.onionSkin = concat(this.#id, this.#onionKey, this.#keyPair.publicKey);
  }

  /**
   * @param reply Y and AUTH: 64 bytes; later bytes are ignored
   * @throws CryptoError `handshake-reply-length`, `ntor-auth-mismatch` (the relay has not the
   *   onion key or identity that was expected), `ntor-zero-secret`
   */
  complete(reply: Uint8Array): HopKeys {
    if (reply.length < NTOR.replyLength) {
      throw new CryptoError(
        "handshake-reply-length",
        `an ntor reply of ${reply.length} bytes, not ${NTOR.replyLength}`,
      );
    }
    const y = reply.subarray(0, X25519_LENGTH);
    const { auth, material } = ntorOutput({
      ephemeralSecret: this.#keyPair.sharedSecret(y),
      onionKeySecret: this.#keyPair.sharedSecret(this.#onionKey),
      id: this.#id,
      b: this.#onionKey,
      x: this.#keyPair.publicKey,
      y,
    });
    if (!timingSafeEqual(auth, reply.subarray(X25519_LENGTH, NTOR.replyLength))) {
      throw new CryptoError(
        "ntor-auth-mismatch",
        "the ntor reply does not prove that the relay has the expected onion key",
      );
    }
    return hopKeysFrom(material);
  }
}

/**
 * Begins an ntor handshake with a relay.
 *
 * @param secret 32 random bytes, used for this one handshake
 */
export function ntorClientStart(
  relay: { readonly rsaIdentity: RsaIdentity; readonly onionKey: Uint8Array },
  secret: Uint8Array,
): NtorClientState {
  return new NtorClientState(relay, secret);
}

function hmac(message: Uint8Array, key: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(message).digest();
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
