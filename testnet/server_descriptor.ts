/**
 * The little of a relay's server descriptor that lists it in a consensus (dir-spec,
 * "Server descriptor format").
 *
 * @module
 */
import { createHash } from "node:crypto";
import { parseEd25519Identity, type RsaIdentity } from "../src/crypto/identity.ts";
import { ed25519IdentityBytes } from "../src/crypto/identity.ts";
import { parseRsaPublicKey, rsaIdentityOf, rsaVerifyRaw } from "../src/crypto/rsa.ts";

/** What a relay has published about itself. */
export interface PublishedDescriptor {
  readonly nickname: string;
  /** An IPv4 address. */
  readonly hostname: string;
  readonly orPort: number;
  readonly rsaId: RsaIdentity;
  /** 32 bytes. */
  readonly ed25519Id: Uint8Array;
  /** 32 bytes. */
  readonly onionKey: Uint8Array;
  /** The subprotocols that it speaks; `undefined` when it does not say. */
  readonly protocols: string | undefined;
}

const SIGNATURE_MARK = "\nrouter-signature\n";

/**
 * Reads a descriptor and checks its signature by the RSA identity.
 *
 * @returns `undefined` when something is missing or the signature is wrong
 * @throws CryptoError when its key is no RSA key that a relay could have
 */
export function readServerDescriptor(text: string): PublishedDescriptor | undefined {
  const start = text.search(/^router /m);
  const mark = text.indexOf(SIGNATURE_MARK, start);
  const [, nickname, hostname, orPort] =
    /^router (\w{1,19}) (\d+\.\d+\.\d+\.\d+) (\d+) /m.exec(text) ?? [];
  const signingKey = objectAfter(text, "signing-key");
  const signature = objectAfter(text, "router-signature");
  const onionKey = base64After(text, "ntor-onion-key");
  const ed25519Id = parseEd25519Identity(/^master-key-ed25519 (\S+)$/m.exec(text)?.[1] ?? "");
  if (
    start < 0 || mark < 0 || nickname === undefined || signingKey === undefined ||
    signature === undefined || onionKey?.length !== 32 || ed25519Id === undefined
  ) return undefined;
  const key = parseRsaPublicKey(signingKey);
  const signed = text.slice(start, mark + SIGNATURE_MARK.length);
  if (!rsaVerifyRaw(key, createHash("sha1").update(signed).digest(), signature)) return undefined;
  return {
    nickname,
    hostname,
    orPort: Number(orPort),
    rsaId: rsaIdentityOf(key),
    ed25519Id: ed25519IdentityBytes(ed25519Id),
    onionKey,
    protocols: /^proto (.+)$/m.exec(text)?.[1],
  };
}

/** The bytes of the object after a keyword that stands alone on its line. */
function objectAfter(text: string, keyword: string): Uint8Array | undefined {
  const form = new RegExp(
    `^${keyword}\n-----BEGIN [A-Z ]+-----\n([A-Za-z0-9+/=\n]+)-----END `,
    "m",
  );
  const base64 = form.exec(text)?.[1];
  return base64 === undefined ? undefined : Uint8Array.fromBase64(base64);
}

function base64After(text: string, keyword: string): Uint8Array | undefined {
  const base64 = new RegExp(`^${keyword} ([A-Za-z0-9+/]+)=*$`, "m").exec(text)?.[1];
  return base64 === undefined ? undefined : Uint8Array.fromBase64(base64);
}
