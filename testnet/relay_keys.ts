/**
 * The keys of an embedded relay.
 *
 * @module
 */
import type { KeyObject } from "node:crypto";
import {
  type Ed25519Identity,
  ed25519IdentityFromBytes,
  type RsaIdentity,
  rsaIdentityBytes,
} from "../src/crypto/identity.ts";
import { parseRsaPublicKey, rsaIdentityOf } from "../src/crypto/rsa.ts";
import { X25519KeyPair } from "../src/crypto/x25519.ts";
import { randomBytes, type RandomSource } from "../src/runtime/random.ts";
import { ed25519Key, ed25519Public, type RelayKeys, rsaPublicDer } from "./certificates.ts";

/** All keys of a relay, and its names that follow from them. */
export interface EmbeddedRelayKeys extends RelayKeys {
  readonly rsaId: RsaIdentity;
  /** The same, in 20 bytes. */
  readonly rsaIdBytes: Uint8Array;
  readonly ed25519Id: Ed25519Identity;
  /** The same, in 32 bytes. */
  readonly ed25519IdBytes: Uint8Array;
  /** Of the ntor onion key: 32 bytes. */
  readonly onionSecret: Uint8Array;
  /** 32 bytes. */
  readonly onionKey: Uint8Array;
}

/** Makes a relay's keys; all but the RSA key come from `random`. */
export function makeRelayKeys(rsaIdentity: KeyObject, random: RandomSource): EmbeddedRelayKeys {
  const ed25519Identity = ed25519Key(randomBytes(random, 32));
  const signing = ed25519Key(randomBytes(random, 32));
  const onionSecret = randomBytes(random, 32);
  const rsaId = rsaIdentityOf(parseRsaPublicKey(rsaPublicDer(rsaIdentity)));
  const ed25519IdBytes = ed25519Public(ed25519Identity);
  return {
    rsaIdentity,
    ed25519Identity,
    signing,
    rsaId,
    rsaIdBytes: rsaIdentityBytes(rsaId),
    ed25519Id: ed25519IdentityFromBytes(ed25519IdBytes),
    ed25519IdBytes,
    onionSecret,
    onionKey: new X25519KeyPair(onionSecret).publicKey,
  };
}
