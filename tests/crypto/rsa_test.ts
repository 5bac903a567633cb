import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, sign } from "node:crypto";
import fc from "fast-check";
import { CryptoError } from "../../src/crypto/errors.ts";
import { parseRsaPublicKey, rsaIdentityOf, rsaVerifyRaw } from "../../src/crypto/rsa.ts";
import { der, rsaKey, rsaPublicDer, rsaSignRaw } from "../../testnet/certificates.ts";

// From an authority certificate in C tor's tests: the identity key, its fingerprint, the signing
// key, and the signing key's signature of the fingerprint.
const IDENTITY_KEY = Uint8Array.fromBase64(
  "MIIBigKCAYEAveMpKlw8oD1YqFqpJchuwSR82BDhutbqgHiez3QO9FmzOctJpV+YmpTYIJLS/qC+4GBKFF1VK0C4SoBr" +
    "S3zri0qdXdE+vBGcyrxrjMklpxoqSKRY20114eqYPghKlo5RzuqteBclGCHyNxWjUJeRKDWgvh+U/gr2uYM6fRm5q0fC" +
    "zg4aECE7VP6fDGZrMbQI8jHpiMSoC9gkUASNEa6chLInlnP8/H5qUEW4TB9CN/q095pefuwLP+F+1Nz5hnM7fa5XmeMB" +
    "8iM4RriUmOQlLBZgpQBMpEfWMIPcR9F1Gh3MxERqqUcHtmij+IZdeXg9OkCXykcabaYIhZD3meErn9Tax4oA/THduLfg" +
    "li9zM0ExwzH1OooNL8rIcJ+2eBo3bQiQUbdYW71sl9w7nSPtircbJUa1mUvWYLPWQxFliPiQSetgJLMjVQqtPmV2hvN2" +
    "Xk3lLfJO50qMTK7w7Gsaw8UtV4YDM1Hcjp/hQaIB1xfwhXgl+eUUbtUa4c+cUTjHAgMBAAE=",
);
const FINGERPRINT = "D867ACF56A9D229B35C25F0090BC9867E906BE69";
const SIGNING_KEY = Uint8Array.fromBase64(
  "MIGJAoGBALPSUInyuEu6NV3NjozplaniIEBzQXEjv1x9/+mqnwZABpYVmuy9A8nxeoyY3sZFsnYwNW/IZjAgG23pEmev" +
    "u3F+L4myMjjaa6ORl3MgRYQ4gmuFqpefrGdmywRCleh2JerkQ4VxOuq10dn/abITzLyaZzMw30KXWp5pxKXOLtxFAgMB" +
    "AAE=",
);
const CROSSCERT = Uint8Array.fromBase64(
  "FTBJNR/Hlt4T53yUMp1r/QCSMCpkHJCbYBT0R0pvYqhqFfYN5qHRSICRXaFFImIF0DGWmwRza6DxPKNzkm5/b7I0de9z" +
    "JW1jNNdQAQK5xppAtQcAafRdu8cBonnmh9KXk1NrAK/X00FYywju3yl/SxCn1GddVNkHYexEudmJMPM=",
);

const key = rsaKey();
const publicKey = parseRsaPublicKey(rsaPublicDer(key));
const digest = createHash("sha256").update("signed").digest();

Deno.test("an RSA identity is the fingerprint of C tor's tests", () => {
  const identity = parseRsaPublicKey(IDENTITY_KEY);
  assert.equal(identity.bits, 3072);
  assert.equal(identity.exponent, 65537n);
  assert.equal(rsaIdentityOf(identity), FINGERPRINT);
});

Deno.test("a bare signature of C tor's tests is verified", () => {
  const signing = parseRsaPublicKey(SIGNING_KEY);
  assert.equal(signing.bits, 1024);
  const signed = Uint8Array.fromHex(FINGERPRINT);
  assert.equal(rsaVerifyRaw(signing, signed, CROSSCERT), true);
  assert.equal(rsaVerifyRaw(signing, signed.subarray(1), CROSSCERT), false);
  assert.equal(rsaVerifyRaw(signing, Uint8Array.of(...signed, 0), CROSSCERT), false);
  assert.equal(rsaVerifyRaw(parseRsaPublicKey(IDENTITY_KEY), signed, CROSSCERT), false);
});

Deno.test("RSA agrees with node:crypto, whatever the digest, and on no other digest", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (signed) => {
      const signature = rsaSignRaw(key, signed);
      assert.equal(rsaVerifyRaw(publicKey, signed, signature), true);
      const other = signed.slice();
      other[signed.length - 1] ^= 1;
      assert.equal(rsaVerifyRaw(publicKey, other, signature), false);
    }),
    { seed: 1, numRuns: 40 },
  );
});

Deno.test("RSA refuses a changed signature and other lengths", () => {
  const signature = rsaSignRaw(key, digest);
  for (const at of [0, 1, 64, 127]) {
    const changed = Uint8Array.from(signature);
    changed[at] ^= 1;
    assert.equal(rsaVerifyRaw(publicKey, digest, changed), false);
  }
  assert.equal(rsaVerifyRaw(publicKey, digest, signature.subarray(1)), false);
  assert.equal(rsaVerifyRaw(publicKey, digest, Uint8Array.of(0, ...signature)), false);
  assert.equal(rsaVerifyRaw(publicKey, digest, new Uint8Array(128)), false);
  assert.equal(rsaVerifyRaw(publicKey, digest, new Uint8Array(128).fill(0xff)), false);
  assert.equal(rsaVerifyRaw(publicKey, digest, new Uint8Array(0)), false);
  // The longest message that leaves room for eight bytes of padding, and one more.
  const longest = new Uint8Array(117).fill(3);
  assert.equal(rsaVerifyRaw(publicKey, longest, rsaSignRaw(key, longest)), true);
  assert.equal(rsaVerifyRaw(publicKey, new Uint8Array(118), signature), false);
});

/** The RSA private operation on a message of the modulus's length, without any padding. */
function rsaPrivate(message: Uint8Array): Uint8Array {
  const { d = "" } = key.export({ format: "jwk" });
  const exponent = BigInt(`0x${Buffer.from(d, "base64url").toString("hex")}`);
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = result * result % publicKey.modulus;
    if (bit === "1") result = result * BigInt(`0x${message.toHex()}`) % publicKey.modulus;
  }
  return Uint8Array.fromHex(result.toString(16).padStart(256, "0"));
}

Deno.test("RSA refuses every padding but type 1 around the bare digest", () => {
  const padded = (fill: (message: Uint8Array) => void) => {
    const message = new Uint8Array(128).fill(0xff);
    message.set([0, 1]);
    message[95] = 0;
    message.set(digest, 96);
    fill(message);
    return rsaPrivate(message);
  };
  const verify = (fill: (message: Uint8Array) => void) =>
    rsaVerifyRaw(publicKey, digest, padded(fill));
  assert.equal(verify(() => {}), true);
  assert.equal(verify((message) => message[1] = 2), false);
  assert.equal(verify((message) => message[50] = 0xfe), false);
  // Short padding, and the digest followed by what an attacker likes.
  assert.equal(
    verify((message) => {
      message.fill(0x55, 10);
      message[10] = 0;
      message.set(digest, 11);
    }),
    false,
  );
  // With a DigestInfo, as everybody but Tor signs.
  assert.equal(rsaVerifyRaw(publicKey, digest, sign("sha256", Buffer.from("signed"), key)), false);
});

Deno.test("RSA refuses a signature to which the modulus was added", () => {
  const signing = parseRsaPublicKey(SIGNING_KEY);
  const sum = BigInt(`0x${CROSSCERT.toHex()}`) + signing.modulus;
  const equivalent = Uint8Array.fromHex(sum.toString(16));
  assert.equal(equivalent.length, 128);
  assert.equal(rsaVerifyRaw(signing, Uint8Array.fromHex(FINGERPRINT), equivalent), false);
});

const integer = (...bytes: number[]) => der(0x02, Uint8Array.from(bytes));
const modulus = (length: number, first: number, last = 1) => {
  const bytes = new Array<number>(length).fill(0x55);
  bytes[0] = first;
  bytes[length - 1] = last;
  return first < 0x80 ? integer(...bytes) : integer(0, ...bytes);
};
const E3 = integer(3);

Deno.test("the size of an RSA key is bounded", () => {
  assert.equal(parseRsaPublicKey(der(0x30, modulus(128, 0x80), E3)).bits, 1024);
  assert.equal(parseRsaPublicKey(der(0x30, modulus(129, 0x01), E3)).bits, 1025);
  assert.equal(parseRsaPublicKey(der(0x30, modulus(2048, 0xff), E3)).bits, 16384);
  const good = modulus(128, 0x80);
  for (
    const refused of [
      [modulus(128, 0x7f), E3],
      [modulus(2049, 0x01), E3],
      [modulus(128, 0x80, 2), E3],
      [integer(0), E3],
      [good, integer(1)],
      [good, integer(0)],
      [good, integer(4)],
      [good, integer(1, 0, 0, 0, 1)],
    ]
  ) {
    assert.throws(() => parseRsaPublicKey(der(0x30, ...refused)), {
      name: "CryptoError",
      code: "rsa-key-refused",
    });
  }
  assert.equal(
    parseRsaPublicKey(der(0x30, good, integer(0, 0xff, 0xff, 0xff, 0xff))).exponent,
    0xffffffffn,
  );
});

Deno.test("an RSA key must be DER to the last bit", () => {
  const good = modulus(128, 0x80);
  const whole = der(0x30, good, E3);
  const malformed = [
    new Uint8Array(0),
    Uint8Array.of(0x30),
    Uint8Array.of(0x30, 0x80, 0, 0),
    Uint8Array.of(0x30, 0x84, 0, 0, 0, 0),
    Uint8Array.of(...whole, 0),
    whole.subarray(0, whole.length - 1),
    der(0x31, good, E3),
    der(0x30, good),
    der(0x30, good, E3, E3),
    der(0x30, good, integer(0, 3)),
    der(0x30, good, integer(0x83)),
    der(0x30, good, integer()),
    // A length in more bytes than needed.
    Uint8Array.of(0x30, 0x82, 0, whole.length - 3, ...whole.subarray(3)),
    der(0x30, good, Uint8Array.of(0x02, 0x81, 1, 3)),
  ];
  for (const bytes of malformed) {
    assert.throws(() => parseRsaPublicKey(bytes), { name: "CryptoError", code: "der-malformed" });
  }
});

Deno.test("what is read from a mutated RSA key has exactly the bytes that were read", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(SIGNING_KEY.length - 1), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.nat(SIGNING_KEY.length),
      (changes, cut) => {
        const mutated = SIGNING_KEY.slice(0, cut < 20 ? cut : undefined);
        for (const [at, value] of changes) if (at < mutated.length) mutated[at] = value;
        try {
          const read = parseRsaPublicKey(mutated);
          assert(read.bits >= 1024 && read.bits <= 16384);
          assert.deepEqual(read.der, mutated);
        } catch (error) {
          assert(error instanceof CryptoError);
        }
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
});
