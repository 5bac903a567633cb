import assert from "node:assert/strict";
import { summarizeCircuit } from "../../src/client/client_summary.ts";
import { rsaIdentityFromBytes } from "../../src/crypto/identity.ts";

const IDENTITY = rsaIdentityFromBytes(new Uint8Array(20).fill(0xaa));

/** What is shown of a circuit that serves this isolation. */
function shown(isolationKey: string | undefined, secret = 1) {
  const hop = { rsaIdentity: IDENTITY, nickname: "relay", country: "de" };
  return summarizeCircuit(
    {
      number: 7,
      confluxSet: undefined,
      relays: [IDENTITY],
      hops: [hop],
      state: "used",
      age: 5,
      isolationKey,
      streams: 2,
    },
    Uint8Array.of(secret),
  );
}

Deno.test("a circuit is shown with its relays", () => {
  assert.deepEqual(shown(undefined), {
    number: 7,
    confluxSet: undefined,
    state: "used",
    age: 5,
    streams: 2,
    isolation: undefined,
    relays: [{ nickname: "relay", fingerprint: "A".repeat(40), country: "de" }],
  });
});

Deno.test("circuits of one isolation have one mark, which tells nothing and is another in each run", () => {
  const { isolation } = shown("password");
  assert.match(isolation ?? "", /^[0-9a-f]{16}$/);
  assert.doesNotMatch(JSON.stringify(shown("password")), /password/);
  assert.equal(shown("password").isolation, isolation);
  assert.notEqual(shown("another").isolation, isolation);
  assert.notEqual(shown("password", 2).isolation, isolation);
});
