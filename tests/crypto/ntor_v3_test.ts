import assert from "node:assert/strict";
import fc from "fast-check";
import { ed25519IdentityBytes, ed25519IdentityFromBytes } from "../../src/crypto/identity.ts";
import { hopKeysFrom } from "../../src/crypto/kdf.ts";
import {
  NTOR_V3,
  ntorV3ClientStart,
  NtorV3ClientState,
  ntorV3Secrets,
} from "../../src/crypto/ntor_v3.ts";
import { X25519KeyPair } from "../../src/crypto/x25519.ts";
import { ntorV3ServerReply } from "../../testnet/server_handshakes.ts";

// The values of C tor's test_ntor_v3.c, which several implementations have confirmed.
const VECTOR = {
  onionSecret: "4051daa5921cfa2a1c27b08451324919538e79e788a81b38cbed097a5dff454a",
  onionKey: "f8307a2bc1870b00b828bb74dbb8fd88e632a6375ab3bcd1ae706aaa8b6cdd1d",
  id: "9fad2af287ef942632833d21f946c6260c33fae6172b60006e86e4a6911753a2",
  clientSecret: "b825a3719147bcbe5fb1d0b0fcb9c09e51948048e2e3283d2ab7b45b5ef38b49",
  serverSecret: "4865a5b7689dafd978f529291c7171bc159be076b92186405d13220b80e2a053",
  clientMessage: "68656c6c6f20776f726c64",
  serverMessage: "486f6c61204d756e646f",
  verification: "78797a7a79",
  onionSkin: "9fad2af287ef942632833d21f946c6260c33fae6172b60006e86e4a6911753a2" +
    "f8307a2bc1870b00b828bb74dbb8fd88e632a6375ab3bcd1ae706aaa8b6cdd1d" +
    "252fe9ae91264c91d4ecb8501f79d0387e34ad8ca0f7c995184f7d11d5da4f46" +
    "3bebd9151fd3b47c180abc9e044d53565f04d82bbb3bebed3d06cea65db8be9c72b68cd461942088502f67",
  reply: "4bf4814326fdab45ad5184f5518bd7fae25dc59374062698201a50a22954246d" +
    "2fc5f8773ca824542bc6cf6f57c7c29bbf4e5476461ab130c5b18ab0a9127665" +
    "1202c3e1e87c0d32054c",
  keys: "9c19b631fd94ed86a817e01f6c80b0743a43f5faebd39cfaa8b00fa8bcc65c3bfeaa403d91acbd68" +
    "a821bf6ee8504602b094a254392a07737d5662768c7a9fb1b2814bb34780eaee6e867c773e28c212" +
    "ead563e98a1cd5d5b4576f5ee61c59bde025ff2851bb19b721421694f263818e3531e43a9e4e3e2c" +
    "661e2ad547d8984caa28ebecd3e4525452299be26b9185a20a90ce1eac20a91f2832d731b54502b0" +
    "9749b5a2a2949292f8cfcbeffb790c7790ed935a9d251e7e336148ea83b063a5618fcff674a44581" +
    "585fd22077ca0e52c59a24347a38d1a1ceebddbf238541f226b8f88d0fb9c07a1bcd2ea764bbbb5d" +
    "acdaf5312a14c0b9e4f06309b0333b4a",
};

const hex = Uint8Array.fromHex;
const RELAY: ConstructorParameters<typeof NtorV3ClientState>[0] = {
  ed25519Identity: ed25519IdentityFromBytes(hex(VECTOR.id)),
  onionKey: hex(VECTOR.onionKey),
};
const SERVER = { id: hex(VECTOR.id), onionSecret: hex(VECTOR.onionSecret) };
const VERIFICATION = hex(VECTOR.verification);

function start(relay = RELAY, verification = VERIFICATION): NtorV3ClientState {
  const message = hex(VECTOR.clientMessage);
  return new NtorV3ClientState(relay, hex(VECTOR.clientSecret), message, verification);
}

/** What the server answers to an onion skin; `undefined` when it refuses. */
function serve(onionSkin: Uint8Array, server = SERVER, verification = VERIFICATION) {
  const message = hex(VECTOR.serverMessage);
  return ntorV3ServerReply(
    server,
    onionSkin,
    hex(VECTOR.serverSecret),
    () => message,
    verification,
  );
}

Deno.test("ntor-v3 gives C tor's messages and keys", () => {
  const state = start();
  assert.equal(state.onionSkin.toHex(), VECTOR.onionSkin);
  const { keys, message } = state.complete(hex(VECTOR.reply));
  assert.equal(message.toHex(), VECTOR.serverMessage);
  assert.deepEqual(keys, hopKeysFrom(hex(VECTOR.keys.slice(0, 144))));
});

Deno.test("ntor-v3: the test's server gives C tor's reply, message and keys", () => {
  let read = "";
  const answer = (message: Uint8Array) => {
    read = message.toHex();
    return hex(VECTOR.serverMessage);
  };
  const secret = hex(VECTOR.serverSecret);
  const done = ntorV3ServerReply(SERVER, hex(VECTOR.onionSkin), secret, answer, VERIFICATION);
  assert.equal(read, VECTOR.clientMessage);
  assert.equal(done?.reply.toHex(), VECTOR.reply);
  assert.deepEqual(done?.keys, hopKeysFrom(hex(VECTOR.keys.slice(0, 144))));
});

Deno.test("ntor-v3: the key stream is C tor's as far as the vector goes", () => {
  const client = new X25519KeyPair(hex(VECTOR.clientSecret));
  const b = hex(VECTOR.onionKey);
  const y = hex(VECTOR.reply.slice(0, 64));
  const transcript = {
    ephemeralSecret: client.sharedSecret(y),
    onionKeySecret: client.sharedSecret(b),
    id: hex(VECTOR.id),
    b,
    x: client.publicKey,
    y,
    verification: VERIFICATION,
  };
  assert.equal(ntorV3Secrets(transcript, 256).keyMaterial.toHex(), VECTOR.keys);
});

Deno.test("ntor-v3: client and server agree whatever their secrets and messages", () => {
  const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const message = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(secret, secret, secret, secret, message, message, (x, b, y, id, ours, theirs) => {
      const onionKey = new X25519KeyPair(b).publicKey;
      const ed25519Identity = ed25519IdentityFromBytes(id);
      const client = ntorV3ClientStart({ ed25519Identity, onionKey }, x, ours);
      assert.equal(client.onionSkin.length, NTOR_V3.onionSkinOverhead + ours.length);
      const server = ntorV3ServerReply({ id, onionSecret: b }, client.onionSkin, y, (read) => {
        assert.equal(read.toHex(), ours.toHex());
        return theirs;
      });
      assert(server !== undefined);
      assert.equal(server.reply.length, NTOR_V3.replyOverhead + theirs.length);
      const result = client.complete(server.reply);
      assert.deepEqual(result.keys, server.keys);
      assert.equal(result.message.toHex(), theirs.toHex());
    }),
    { seed: 1, numRuns: 25 },
  );
});

Deno.test("ntor-v3 refuses a reply with one bit changed, also in the message", () => {
  const bits = hex(VECTOR.reply).length * 8;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: bits - 1 }), (bit) => {
      // X25519 ignores the highest bit of Y, but AUTH covers it.
      const changed = hex(VECTOR.reply);
      changed[bit >> 3] ^= 1 << (bit & 7);
      assert.throws(() => start().complete(changed), {
        name: "CryptoError",
        code: "ntor-auth-mismatch",
      });
    }),
    { seed: 1, numRuns: 60, examples: [[255], [511], [512], [bits - 1]] },
  );
});

Deno.test("ntor-v3 refuses a reply with a byte more or less", () => {
  const reply = hex(VECTOR.reply);
  for (const other of [hex(VECTOR.reply + "00"), reply.subarray(0, -1), reply.subarray(0, 64)]) {
    assert.throws(() => start().complete(other), { code: "ntor-auth-mismatch" });
  }
  for (const length of [0, 63]) {
    assert.throws(() => start().complete(reply.subarray(0, length)), {
      name: "CryptoError",
      code: "handshake-reply-length",
    });
  }
});

Deno.test("ntor-v3 refuses a relay with another identity, onion key or verification", () => {
  const otherId = ed25519IdentityFromBytes(hex(VECTOR.id.replace("9f", "9e")));
  const otherKey = new X25519KeyPair(hex(VECTOR.serverSecret)).publicKey;
  for (
    const state of [
      start({ ...RELAY, ed25519Identity: otherId }),
      start({ ...RELAY, onionKey: otherKey }),
      start(RELAY, NTOR_V3.circuitVerification),
    ]
  ) {
    assert.throws(() => state.complete(hex(VECTOR.reply)), { code: "ntor-auth-mismatch" });
  }
});

Deno.test("ntor-v3: a server refuses an onion skin that is for another or was changed", () => {
  const bits = hex(VECTOR.onionSkin).length * 8;
  // X25519 ignores the highest bit of X, but the MAC covers it.
  for (const bit of [0, 300, 520, 767, 768, bits - 257, bits - 1]) {
    const changed = hex(VECTOR.onionSkin);
    changed[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(serve(changed), undefined, `bit ${bit}`);
  }
  assert.equal(serve(hex(VECTOR.onionSkin).subarray(0, 127)), undefined);
  assert.equal(serve(hex(VECTOR.onionSkin), SERVER, NTOR_V3.circuitVerification), undefined);
  const stranger = { ...SERVER, onionSecret: hex(VECTOR.serverSecret) };
  assert.equal(serve(hex(VECTOR.onionSkin), stranger), undefined);
  assert.equal(serve(hex(VECTOR.onionSkin))?.reply.toHex(), VECTOR.reply);
});

Deno.test("ntor-v3 refuses a shared secret of zero, from Y or from the onion key", () => {
  // Points of small order (RFC 7748, section 7).
  for (
    const start of ["00", "01", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b8"]
  ) {
    const point = start.padEnd(64, "0");
    assert.throws(() => fresh().complete(hex(point + "00".repeat(32))), {
      name: "CryptoError",
      code: "ntor-zero-secret",
    });
    const relay = { ...RELAY, onionKey: hex(point) };
    assert.throws(() => ntorV3ClientStart(relay, hex(VECTOR.clientSecret), new Uint8Array(1)), {
      name: "CryptoError",
      code: "ntor-zero-secret",
    });
  }
});

function fresh(): NtorV3ClientState {
  return ntorV3ClientStart(RELAY, hex(VECTOR.clientSecret), new Uint8Array(1));
}

Deno.test("ntor-v3 is over after one reply, good or bad", () => {
  const good = start();
  good.complete(hex(VECTOR.reply));
  assert.throws(() => good.complete(hex(VECTOR.reply)), RangeError);
  const bad = start();
  assert.throws(() => bad.complete(new Uint8Array(64).fill(9)), { code: "ntor-auth-mismatch" });
  assert.throws(() => bad.complete(hex(VECTOR.reply)), RangeError);
});

Deno.test("ntor-v3 copies what it is given, and refuses keys of a wrong length", () => {
  const secret = hex(VECTOR.clientSecret);
  const onionKey = hex(VECTOR.onionKey);
  const message = hex(VECTOR.clientMessage);
  const relay = { ...RELAY, onionKey };
  const state = new NtorV3ClientState(relay, secret, message, VERIFICATION);
  for (const given of [secret, onionKey, message]) given.fill(0);
  const { keys } = state.complete(hex(VECTOR.reply));
  assert.deepEqual(keys, hopKeysFrom(hex(VECTOR.keys.slice(0, 144))));
  assert.equal(ed25519IdentityBytes(RELAY.ed25519Identity).toHex(), VECTOR.id);

  const empty = new Uint8Array(0);
  assert.throws(() => ntorV3ClientStart(RELAY, new Uint8Array(31), empty), RangeError);
  assert.throws(
    () => ntorV3ClientStart({ ...RELAY, onionKey: new Uint8Array(33) }, new Uint8Array(32), empty),
    RangeError,
  );
});
