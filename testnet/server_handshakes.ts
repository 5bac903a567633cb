/**
 * A relay's side of ntor and CREATE_FAST, for relays that run inside a test.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { hopKeysFrom } from "../src/crypto/kdf.ts";
import { ntorOutput } from "../src/crypto/ntor.ts";
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
