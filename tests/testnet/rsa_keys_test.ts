import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPublicKey, sign, verify } from "node:crypto";
import { parseRsaPublicKey, rsaIdentityOf } from "../../src/crypto/rsa.ts";
import { rsaPublicDer } from "../../testnet/certificates.ts";
import { fixedRsaKey, rsaKeyCount } from "../../testnet/rsa_keys.ts";

Deno.test("the fixed RSA keys have 1,024 bits, sign, and are all different", () => {
  const identities = new Set<string>();
  const message = Buffer.from("a message");
  for (let index = 0; index < rsaKeyCount(); index++) {
    const key = fixedRsaKey(index);
    const publicKey = parseRsaPublicKey(rsaPublicDer(key));
    assert.equal(publicKey.bits, 1024);
    identities.add(rsaIdentityOf(publicKey));
    const signature = sign("sha256", message, key);
    assert.ok(verify("sha256", message, createPublicKey(key), signature));
  }
  assert.equal(identities.size, rsaKeyCount());
  assert.throws(() => fixedRsaKey(rsaKeyCount()), RangeError);
});
