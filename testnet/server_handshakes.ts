/**
 * A relay's side of ntor, ntor-v3 and CREATE_FAST, for relays that run inside a test.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { HOP_KEY_MATERIAL_LENGTH, hopKeysFrom } from "../src/crypto/kdf.ts";
import { ntorOutput } from "../src/crypto/ntor.ts";
import {
  NTOR_V3,
  ntorV3Auth,
  ntorV3Cipher,
  ntorV3MessageKeys,
  ntorV3MessageMac,
  ntorV3Secrets,
} from "../src/crypto/ntor_v3.ts";
import type { HopKeys } from "../src/crypto/relay_crypto.ts";
import { X25519KeyPair } from "../src/crypto/x25519.ts";

/**
 * Answers an ntor onion skin of 84 bytes.
 *
 * @param relay its RSA identity (20 bytes) and the secret of its onion key (32 bytes)
 * @param secret 32 random bytes for the ephemeral key
 * @returns the 64-byte reply and the keys, or `undefined` when the onion skin is for another relay
 */
export function ntorServerReply(
  relay: { readonly id: Uint8Array; readonly onionSecret: Uint8Array },
  onionSkin: Uint8Array,
  secret: Uint8Array,
): { readonly reply: Uint8Array<ArrayBuffer>; readonly keys: HopKeys } | undefined {
  const onion = new X25519KeyPair(relay.onionSecret);
  const ephemeral = new X25519KeyPair(secret);
  if (!timingSafeEqual(onionSkin.subarray(0, 20), relay.id)) return undefined;
  if (!timingSafeEqual(onionSkin.subarray(20, 52), onion.publicKey)) return undefined;
  const x = onionSkin.subarray(52, 84);
  const { auth, material } = ntorOutput({
    ephemeralSecret: ephemeral.sharedSecret(x),
    onionKeySecret: onion.sharedSecret(x),
    id: relay.id,
    b: onion.publicKey,
    x,
    y: ephemeral.publicKey,
  });
  const reply = new Uint8Array(64);
  reply.set(ephemeral.publicKey);
  reply.set(auth, 32);
  return { reply, keys: hopKeysFrom(material) };
}

/**
 * Answers an ntor-v3 onion skin.
 *
 * @param relay its Ed25519 identity (32 bytes) and the secret of its onion key (32 bytes)
 * @param secret 32 random bytes for the ephemeral key
 * @param answer gives the relay's message for the client's, or `undefined` to refuse
 * @param verification what both sides must have agreed on; that of circuits unless given
 * @returns the reply and the keys, or `undefined` when the onion skin is for another relay or was
 *   changed, or the answer is to refuse
 */
export function ntorV3ServerReply(
  relay: { readonly id: Uint8Array; readonly onionSecret: Uint8Array },
  onionSkin: Uint8Array,
  secret: Uint8Array,
  answer: (message: Uint8Array) => Uint8Array | undefined,
  verification: Uint8Array = NTOR_V3.circuitVerification,
): { readonly reply: Uint8Array<ArrayBuffer>; readonly keys: HopKeys } | undefined {
  if (onionSkin.length < NTOR_V3.onionSkinOverhead) return undefined;
  const onion = new X25519KeyPair(relay.onionSecret);
  const ephemeral = new X25519KeyPair(secret);
  const b = onion.publicKey;
  if (!timingSafeEqual(onionSkin.subarray(0, 32), relay.id)) return undefined;
  if (!timingSafeEqual(onionSkin.subarray(32, 64), b)) return undefined;
  const x = onionSkin.subarray(64, 96);
  const encryptedMessage = onionSkin.subarray(96, -32);
  const onionKeySecret = onion.sharedSecret(x);
  const firstPhase = { onionKeySecret, id: relay.id, b, x, verification };
  const messageKeys = ntorV3MessageKeys(firstPhase);
  const mac = ntorV3MessageMac(messageKeys.macKey, firstPhase, encryptedMessage);
  if (!timingSafeEqual(mac, onionSkin.subarray(-32))) return undefined;
  const message = answer(ntorV3Cipher(messageKeys.encryptionKey, encryptedMessage));
  if (message === undefined) return undefined;
  const y = ephemeral.publicKey;
  const transcript = { ...firstPhase, ephemeralSecret: ephemeral.sharedSecret(x), y };
  const secrets = ntorV3Secrets(transcript, HOP_KEY_MATERIAL_LENGTH);
  const encrypted = ntorV3Cipher(secrets.encryptionKey, message);
  const reply = new Uint8Array(NTOR_V3.replyOverhead + encrypted.length);
  reply.set(y);
  reply.set(ntorV3Auth(secrets.verify, transcript, mac, encrypted), 32);
  reply.set(encrypted, NTOR_V3.replyOverhead);
  return { reply, keys: hopKeysFrom(secrets.keyMaterial) };
}

/** Answers a CREATE_FAST's X with Y (20 random bytes) and KH: the 40-byte reply and the keys. */
export function createFastServerReply(
  x: Uint8Array,
  y: Uint8Array,
): { readonly reply: Uint8Array<ArrayBuffer>; readonly keys: HopKeys } {
  const parts = [0, 1, 2, 3, 4].map((part) =>
    createHash("sha1").update(x).update(y).update(Uint8Array.of(part)).digest("hex")
  );
  const material = Uint8Array.fromHex(parts.join(""));
  const reply = new Uint8Array(40);
  reply.set(y);
  reply.set(material.subarray(0, 20), 20);
  return { reply, keys: hopKeysFrom(material.slice(20, 92)) };
}
