import assert from "node:assert/strict";
import { createFastClientStart } from "../../src/crypto/create_fast.ts";
import { createFastServerReply } from "../../testnet/server_handshakes.ts";

const X = new Uint8Array(20).fill(1);
const Y = new Uint8Array(20).fill(2);

Deno.test("CREATE_FAST gives both sides the same keys", () => {
  const state = createFastClientStart(X);
  assert.deepEqual(state.onionSkin, X);
  const { reply, keys } = createFastServerReply(X, Y);
  assert.deepEqual(state.complete(reply), keys);
  const padded = new Uint8Array(509);
  padded.set(reply);
  assert.deepEqual(state.complete(padded), keys);
});

Deno.test("CREATE_FAST refuses a changed or short reply", () => {
  const { reply } = createFastServerReply(X, Y);
  for (const at of [0, 19, 20, 39]) {
    const changed = reply.slice();
    changed[at] ^= 1;
    assert.throws(() => createFastClientStart(X).complete(changed), {
      name: "CryptoError",
      code: "fast-digest-mismatch",
    });
  }
  assert.throws(() => createFastClientStart(X).complete(reply.subarray(0, 39)), {
    name: "CryptoError",
    code: "handshake-reply-length",
  });
  assert.throws(() => createFastClientStart(X.subarray(1)), RangeError);
});
