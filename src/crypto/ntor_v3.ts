/**
 * The ntor-v3 handshake: ntor with a message of each side (proposal 332; the encoding in circuits
 * as C tor has it). The client's message is encrypted for the holder of the relay's onion key, and
 * the relay's message for this client alone.
 *
 * @module
 */
import { createCipheriv, createHash, timingSafeEqual } from "node:crypto";
import type { ClientHandshake } from "./client_handshake.ts";
import { CryptoError } from "./errors.ts";
import { type Ed25519Identity, ed25519IdentityBytes } from "./identity.ts";
import { HOP_KEY_MATERIAL_LENGTH, hopKeysFrom } from "./kdf.ts";
import type { HopKeys } from "./relay_crypto.ts";
import { X25519_LENGTH, X25519KeyPair } from "./x25519.ts";

const encoder = new TextEncoder();
const PROTO_ID = encoder.encode("ntor3-curve25519-sha3_256-1");
const SERVER = encoder.encode("Server");

/** The name of a purpose that keeps its hashes apart from all others, encapsulated. */
const TWEAKS = {
  messageKdf: tweak("kdf_phase1"),
  messageMac: tweak("msg_mac"),
  keySeed: tweak("key_seed"),
  verify: tweak("verify"),
  final: tweak("kdf_final"),
  auth: tweak("auth_final"),
} as const;

/** Length of a MAC, of AUTH and of an encryption key, in bytes. */
const DIGEST_LENGTH = 32;

/** Counter mode begins at zero, because each key encrypts one message. */
const ZERO_COUNTER = new Uint8Array(16);

/** What ntor-v3 means in circuits, and how long its messages are. */
export const NTOR_V3 = {
  /** The verification string of handshakes that make circuits. */
  circuitVerification: encoder.encode("circuit extend"),
  /** Length of an onion skin around the client's message, in bytes. */
  onionSkinOverhead: 128,
  /** Length of a reply before the relay's message, in bytes: Y and AUTH. */
  replyOverhead: 64,
} as const;

/** What both sides know when the client's message is encrypted. */
export interface NtorV3FirstPhase {
  /** EXP(B,x), which is EXP(X,b): 32 bytes. */
  readonly onionKeySecret: Uint8Array;
  /** The relay's Ed25519 identity: 32 bytes. */
  readonly id: Uint8Array;
  /** The relay's onion key: 32 bytes. */
  readonly b: Uint8Array;
  /** The client's ephemeral public key: 32 bytes. */
  readonly x: Uint8Array;
  /** What both sides must have agreed on for the handshake to succeed. */
  readonly verification: Uint8Array;
}

/** What both sides know when the relay's message is encrypted. */
export interface NtorV3Transcript extends NtorV3FirstPhase {
  /** EXP(Y,x), which is EXP(X,y): 32 bytes. */
  readonly ephemeralSecret: Uint8Array;
  /** The relay's ephemeral public key: 32 bytes. */
  readonly y: Uint8Array;
}

/** The keys of the client's message, 32 bytes each: for AES-256 and for its MAC. */
export function ntorV3MessageKeys(
  { onionKeySecret, id, b, x, verification }: NtorV3FirstPhase,
): { readonly encryptionKey: Uint8Array; readonly macKey: Uint8Array } {
  const input = concat(onionKeySecret, id, x, b, PROTO_ID, encapsulated(verification));
  const keys = shake256(2 * DIGEST_LENGTH, TWEAKS.messageKdf, input);
  input.fill(0);
  return {
    encryptionKey: keys.subarray(0, DIGEST_LENGTH),
    macKey: keys.subarray(DIGEST_LENGTH),
  };
}

/** The MAC (32 bytes) of the client's encrypted message. */
export function ntorV3MessageMac(
  macKey: Uint8Array,
  { id, b, x }: Pick<NtorV3FirstPhase, "id" | "b" | "x">,
  encrypted: Uint8Array,
): Uint8Array {
  const key = encapsulated(macKey);
  const mac = sha3(TWEAKS.messageMac, key, concat(id, b, x, encrypted));
  key.fill(0);
  return mac;
}

/** What follows from both shared secrets. */
export interface NtorV3Secrets {
  /** What AUTH is made from: 32 bytes. */
  readonly verify: Uint8Array;
  /** For AES-256 on the relay's message: 32 bytes. */
  readonly encryptionKey: Uint8Array;
  /** Of the asked length. */
  readonly keyMaterial: Uint8Array;
}

/**
 * The keys that both sides derive in the end.
 *
 * @param keyMaterialLength in bytes
 */
export function ntorV3Secrets(
  { ephemeralSecret, onionKeySecret, id, b, x, y, verification }: NtorV3Transcript,
  keyMaterialLength: number,
): NtorV3Secrets {
  const agreed = encapsulated(verification);
  const secretInput = concat(ephemeralSecret, onionKeySecret, id, b, x, y, PROTO_ID, agreed);
  const keySeed = sha3(TWEAKS.keySeed, secretInput);
  const verify = sha3(TWEAKS.verify, secretInput);
  const stream = shake256(DIGEST_LENGTH + keyMaterialLength, TWEAKS.final, keySeed);
  secretInput.fill(0);
  keySeed.fill(0);
  return {
    verify,
    encryptionKey: stream.subarray(0, DIGEST_LENGTH),
    keyMaterial: stream.subarray(DIGEST_LENGTH),
  };
}

/**
 * AUTH (32 bytes), by which a relay proves that it has the onion key and has read and sent just
 * these messages.
 *
 * @param messageMac the MAC of the client's message
 * @param encrypted the relay's encrypted message
 */
export function ntorV3Auth(
  verify: Uint8Array,
  { id, b, x, y }: Pick<NtorV3Transcript, "id" | "b" | "x" | "y">,
  messageMac: Uint8Array,
  encrypted: Uint8Array,
): Uint8Array {
  const input = concat(id, b, y, x, messageMac, encapsulated(encrypted), PROTO_ID, SERVER);
  return sha3(TWEAKS.auth, verify, input);
}

/** AES-256 in counter mode: encrypts and decrypts. */
export function ntorV3Cipher(key: Uint8Array, message: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-256-ctr", key, ZERO_COUNTER);
  const done = plain(cipher.update(message));
  // A cipher that is never finished stays allocated outside of the JavaScript heap.
  cipher.final();
  return done;
}

/** What a handshake has given the client. */
export interface NtorV3Result {
  readonly keys: HopKeys;
  /** The relay's message, which AUTH has proved to be its own. */
  readonly message: Uint8Array;
}

/**
 * The client's half of an ntor-v3 handshake:
 *
 * | onion skin |                                   |
 * | ---------- | --------------------------------- |
 * | 32         | NODEID: Ed25519 identity          |
 * | 32         | KEYID: the onion key B            |
 * | 32         | X                                 |
 * | any        | the client's message, encrypted   |
 * | 32         | MAC                               |
 *
 * | reply      |                                   |
 * | ---------- | --------------------------------- |
 * | 32         | Y                                 |
 * | 32         | AUTH                              |
 * | any        | the relay's message, encrypted    |
 */
export class NtorV3ClientState implements ClientHandshake<NtorV3Result> {
  /** 128 bytes and the message. */
  readonly onionSkin: Uint8Array<ArrayBuffer>;
  readonly #keyPair: X25519KeyPair;
  readonly #firstPhase: NtorV3FirstPhase;
  readonly #messageMac: Uint8Array;
  #isCompleted = false;

  /**
   * @param relay the relay's Ed25519 identity and its onion key of 32 bytes; copied
   * @param secret 32 random bytes, used for this one handshake; copied
   * @param message for the relay; whoever gets hold of the relay's onion key can read it later
   * @param verification what both sides must have agreed on; that of circuits unless given
   * @throws RangeError when the onion key or the secret has another length
   * @throws CryptoError `ntor-zero-secret` when the onion key gives everybody a secret of zero
   */
  constructor(
    relay: { readonly ed25519Identity: Ed25519Identity; readonly onionKey: Uint8Array },
    secret: Uint8Array,
    message: Uint8Array,
    verification: Uint8Array = NTOR_V3.circuitVerification,
  ) {
    if (relay.onionKey.length !== X25519_LENGTH) {
      throw new RangeError(`an onion key has 32 bytes, not ${relay.onionKey.length}`);
    }
    const keyPair = new X25519KeyPair(secret);
    const firstPhase = {
      onionKeySecret: keyPair.sharedSecret(relay.onionKey),
      id: ed25519IdentityBytes(relay.ed25519Identity),
      b: new Uint8Array(relay.onionKey),
      x: keyPair.publicKey,
      verification,
    };
    const { encryptionKey, macKey } = ntorV3MessageKeys(firstPhase);
    const encrypted = ntorV3Cipher(encryptionKey, message);
    const mac = ntorV3MessageMac(macKey, firstPhase, encrypted);
    encryptionKey.fill(0);
    macKey.fill(0);
    this.#keyPair = keyPair;
    this.#firstPhase = firstPhase;
    this.#messageMac = mac;
    this.onionSkin = concat(firstPhase.id, firstPhase.b, firstPhase.x, encrypted, mac);
  }

  /**
   * Checks the reply, once: whatever comes of it, the secrets are wiped.
   *
   * @param reply Y, AUTH and the relay's message, all of it
   * @throws CryptoError `handshake-reply-length`, `ntor-auth-mismatch` (the relay has not the
   *   onion key or identity that was expected, or something was changed on the way),
   *   `ntor-zero-secret`
   * @throws RangeError when it is called again
   */
  complete(reply: Uint8Array): NtorV3Result {
    if (this.#isCompleted) throw new RangeError("the ntor-v3 handshake is over");
    this.#isCompleted = true;
    const { onionKeySecret } = this.#firstPhase;
    try {
      return this.#complete(reply);
    } finally {
      onionKeySecret.fill(0);
    }
  }

  #complete(reply: Uint8Array): NtorV3Result {
    if (reply.length < NTOR_V3.replyOverhead) {
      throw new CryptoError(
        "handshake-reply-length",
        `an ntor-v3 reply of ${reply.length} bytes, not ${NTOR_V3.replyOverhead} or more`,
      );
    }
    const y = reply.subarray(0, X25519_LENGTH);
    const auth = reply.subarray(X25519_LENGTH, NTOR_V3.replyOverhead);
    const encrypted = reply.subarray(NTOR_V3.replyOverhead);
    const ephemeralSecret = this.#keyPair.sharedSecret(y);
    const transcript = { ...this.#firstPhase, ephemeralSecret, y };
    const secrets = ntorV3Secrets(transcript, HOP_KEY_MATERIAL_LENGTH);
    const { verify, encryptionKey, keyMaterial } = secrets;
    try {
      if (!timingSafeEqual(ntorV3Auth(verify, transcript, this.#messageMac, encrypted), auth)) {
        keyMaterial.fill(0);
        throw new CryptoError(
          "ntor-auth-mismatch",
          "the ntor-v3 reply does not prove that the relay has the expected onion key",
        );
      }
      const message = ntorV3Cipher(encryptionKey, encrypted);
      return { keys: hopKeysFrom(keyMaterial), message };
    } finally {
      ephemeralSecret.fill(0);
      verify.fill(0);
      encryptionKey.fill(0);
    }
  }
}

/**
 * Begins an ntor-v3 handshake that makes or extends a circuit.
 *
 * @param secret 32 random bytes, used for this one handshake
 * @param message for the relay, such as a list of circuit extensions
 * @throws CryptoError `ntor-zero-secret` when the relay's onion key gives everybody a secret of zero
 */
export function ntorV3ClientStart(
  relay: { readonly ed25519Identity: Ed25519Identity; readonly onionKey: Uint8Array },
  secret: Uint8Array,
  message: Uint8Array,
): NtorV3ClientState {
  return new NtorV3ClientState(relay, secret, message);
}

function sha3(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha3-256");
  for (const part of parts) hash.update(part);
  return plain(hash.digest());
}

/** The first `length` bytes that SHAKE-256 gives for the parts together. */
function shake256(length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("shake256", { outputLength: length });
  for (const part of parts) hash.update(part);
  return plain(hash.digest());
}

/** Buffers are Uint8Arrays, but not of the same class. */
function plain({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

function tweak(name: string): Uint8Array {
  return encapsulated(concat(PROTO_ID, encoder.encode(`:${name}`)));
}

/** ENCAP: the length in 8 bytes, and the bytes. */
function encapsulated(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(8 + bytes.length);
  new DataView(whole.buffer).setUint32(4, bytes.length);
  whole.set(bytes, 8);
  return whole;
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
