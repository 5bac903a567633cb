import assert from "node:assert/strict";
import fc from "fast-check";
import { rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { hopKeysFrom } from "../../src/crypto/kdf.ts";
import { ntorClientStart } from "../../src/crypto/ntor.ts";
import { X25519KeyPair } from "../../src/crypto/x25519.ts";
import { ntorServerReply } from "../../testnet/server_handshakes.ts";

// Made with the reference implementation that comes with C tor, its random bytes fixed.
const VECTOR = {
  onionSecret: "6833c8aa463133e92632660a3f712323fb7f4dc2abd0100a91ceb3a76ca9fc47",
  clientSecret: "58415dbf7f4ae276754268a7947ca7ccde8cfe5d267504ee044deb47ac3cb971",
  serverSecret: "c330fd1085cb5cc48523dada0fa73604789e576915794f0e4c35b8b87a754688",
  id: "69546f6c64596f7541626f75745374616972732e",
  onionKey: "5d8ef93e6cf0f19472eacc8fda08e11f3b2192d7b2fccd95588947c17d862a39",
  onionSkin: "69546f6c64596f7541626f75745374616972732e" +
    "5d8ef93e6cf0f19472eacc8fda08e11f3b2192d7b2fccd95588947c17d862a39" +
    "e1861a7af4940e00dc8c0cf510ac6d6fc6ee1763bc24143335838c38e99d0d7d",
  reply: "51ced146079055f50febb161a78cda57027bce068818e7677922621d1e038c5a" +
    "0c7a1e0503b351da3107891a6ebc5302e0c0b6dc11ae0350749b75a5ef4ee532",
  material: "68c78cc8a5f361e6530b76902fa621f93cc5159f51b49322797311e83c9ad95b3e2c983ae26f40fc" +
    "9e74a086ba59f629abecf9819d21d3d6d9ae4a97eb39c81dcabbddc2e72267b0",
};

const hex = Uint8Array.fromHex;
const RELAY = {
  rsaIdentity: rsaIdentityFromBytes(hex(VECTOR.id)),
  onionKey: hex(VECTOR.onionKey),
};
const start = () => ntorClientStart(RELAY, hex(VECTOR.clientSecret));

Deno.test("ntor gives the reference implementation's messages and keys", () => {
  const state = start();
  assert.equal(state.onionSkin.toHex(), VECTOR.onionSkin);
  const keys = hopKeysFrom(hex(VECTOR.material));
  assert.deepEqual(state.complete(hex(VECTOR.reply)), keys);
  assert.deepEqual(state.complete(hex(VECTOR.reply + "ffff")), keys);

  const server = ntorServerReply(
    { id: hex(VECTOR.id), onionSecret: hex(VECTOR.onionSecret) },
    hex(VECTOR.onionSkin),
    hex(VECTOR.serverSecret),
  );
  assert.equal(server?.reply.toHex(), VECTOR.reply);
  assert.deepEqual(server?.keys, keys);
});

Deno.test("ntor: client and server agree whatever their secrets", () => {
  const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const id = fc.uint8Array({ minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(secret, secret, secret, id, (x, b, y, id) => {
      const onionKey = new X25519KeyPair(b).publicKey;
      const client = ntorClientStart({ rsaIdentity: rsaIdentityFromBytes(id), onionKey }, x);
      const server = ntorServerReply({ id, onionSecret: b }, client.onionSkin, y);
      assert(server !== undefined);
      assert.deepEqual(client.complete(server.reply), server.keys);
    }),
    { seed: 1, numRuns: 25 },
  );
});

Deno.test("ntor refuses a reply with one bit changed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 511 }), (bit) => {
      // X25519 ignores the highest bit of Y, but AUTH covers it.
      const changed = hex(VECTOR.reply);
      changed[bit >> 3] ^= 1 << (bit & 7);
      assert.throws(() => start().complete(changed), {
        name: "CryptoError",
        code: "ntor-auth-mismatch",
      });
    }),
    { seed: 1, numRuns: 60, examples: [[255]] },
  );
});

Deno.test("ntor refuses a relay with another identity or onion key", () => {
  const otherId = rsaIdentityFromBytes(hex(VECTOR.id.replace("69", "68")));
  const otherKey = new X25519KeyPair(hex(VECTOR.serverSecret)).publicKey;
  for (
    const relay of [{ ...RELAY, rsaIdentity: otherId }, { ...RELAY, onionKey: otherKey }]
  ) {
    const state = ntorClientStart(relay, hex(VECTOR.clientSecret));
    assert.throws(() => state.complete(hex(VECTOR.reply)), { code: "ntor-auth-mismatch" });
  }
});

// The points of small order, and encodings of them that are not reduced (RFC 7748, section 7).
const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

Deno.test("ntor refuses a shared secret of zero, from Y or from the onion key", () => {
  for (const point of SMALL_ORDER) {
    assert.throws(() => start().complete(hex(point + "00".repeat(32))), {
      name: "CryptoError",
      code: "ntor-zero-secret",
    });
    const state = ntorClientStart(
      { ...RELAY, onionKey: hex(point) },
      hex(VECTOR.clientSecret),
    );
    assert.throws(() => state.complete(hex(VECTOR.reply)), { code: "ntor-zero-secret" });
  }
});

Deno.test("ntor refuses a short reply and keys of a wrong length", () => {
  assert.throws(() => start().complete(hex(VECTOR.reply).subarray(0, 63)), {
    name: "CryptoError",
    code: "handshake-reply-length",
  });
  assert.throws(() => ntorClientStart(RELAY, new Uint8Array(31)), RangeError);
  assert.throws(
    () => ntorClientStart({ ...RELAY, onionKey: new Uint8Array(33) }, new Uint8Array(32)),
    RangeError,
  );
});
