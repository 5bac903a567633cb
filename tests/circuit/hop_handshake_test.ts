import assert from "node:assert/strict";
import { encodeCircuitExtensions } from "../../src/cell/circuit_extensions.ts";
import { CellError } from "../../src/cell/errors.ts";
import { congestionControlParameters } from "../../src/circuit/congestion_control_parameters.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import {
  beginHop,
  chooseHandshake,
  type HandshakeChoice,
  NTOR,
} from "../../src/circuit/hop_handshake.ts";
import { ed25519IdentityBytes } from "../../src/crypto/identity.ts";
import { ProtocolVersions } from "../../src/netdoc/protocols.ts";
import { ntorV3ServerReply } from "../../testnet/server_handshakes.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { testHop, withLength } from "./relay_end.ts";

const { ed25519Identity } = testHop(0);
const PARAMETERS = congestionControlParameters("exit");

function relay(protocols: string, identity = ed25519Identity) {
  const versions = ProtocolVersions.parse(protocols);
  return {
    ed25519Identity: identity,
    supports: (protocol: string, version: number) => versions.supports(protocol, version),
  };
}

Deno.test("chooseHandshake: congestion control of the exit, with both protocols", () => {
  const wanted: HandshakeChoice = {
    type: "ntor-v3",
    ed25519Identity: ed25519Identity ?? assert.fail(),
    congestionControl: PARAMETERS,
  };
  for (
    const protocols of ["FlowCtrl=1-2 Relay=1-4", "FlowCtrl=2 Relay=4", "FlowCtrl=2 Relay=2-6"]
  ) {
    assert.deepEqual(chooseHandshake(relay(protocols), PARAMETERS), wanted);
  }
  for (const protocols of ["FlowCtrl=1 Relay=1-4", "FlowCtrl=1-2 Relay=1-3", "Relay=4", ""]) {
    assert.equal(chooseHandshake(relay(protocols), PARAMETERS), NTOR);
  }
});

Deno.test("chooseHandshake: ntor where it is not wanted, switched off, or an identity is missing", () => {
  const protocols = "FlowCtrl=1-2 Relay=1-4";
  assert.equal(chooseHandshake(relay(protocols)), NTOR);
  assert.equal(chooseHandshake(relay(protocols), { ...PARAMETERS, enabled: false }), NTOR);
  const { supports } = relay(protocols);
  assert.equal(chooseHandshake({ ed25519Identity: undefined, supports }, PARAMETERS), NTOR);
  assert.equal(chooseHandshake({ ed25519Identity }, PARAMETERS), NTOR);
});

Deno.test("chooseHandshake: as C tor, ntor-v3 without a request to what can do CGO", () => {
  const choice = chooseHandshake(relay("FlowCtrl=1-2 Relay=2-6"));
  assert.ok(choice.type === "ntor-v3" && choice.congestionControl === undefined);
  for (const protocols of ["FlowCtrl=1-2 Relay=2-5", "FlowCtrl=1 Relay=2-6", "Relay=2-6"]) {
    assert.equal(chooseHandshake(relay(protocols)), NTOR);
  }
});

/** What comes of a handshake in which the relay says this. */
function agreed(message: Uint8Array, congestionControl: typeof PARAMETERS | undefined) {
  const hop = testHop(0);
  assert.ok(ed25519Identity !== undefined);
  const choice: HandshakeChoice = { type: "ntor-v3", ed25519Identity, congestionControl };
  const handshake = beginHop(hop, choice, new SeededRandom(1));
  // The length and type of the handshake, and the onion skin, follow three link specifiers.
  const body = handshake.body.subarray(1 + 8 + 22 + 34);
  const asked: Uint8Array[] = [];
  const answer = ntorV3ServerReply(
    { id: ed25519IdentityBytes(ed25519Identity), onionSecret: new Uint8Array(32).fill(0x40) },
    body.subarray(4),
    new Uint8Array(32).fill(7),
    (request) => {
      asked.push(request);
      return message;
    },
  );
  assert.ok(answer !== undefined);
  assert.equal(body.subarray(0, 2).toHex(), "0003");
  assert.deepEqual(asked.map((request) => request.toHex()), [
    congestionControl === undefined ? "00" : "010100",
  ]);
  const made = handshake.complete(withLength(answer.reply));
  assert.deepEqual(made.keys, answer.keys);
  return made.congestionControl;
}

function response(...increment: number[]): Uint8Array {
  return encodeCircuitExtensions([{ type: 2, body: Uint8Array.from(increment) }]);
}

Deno.test("beginHop: an increment within one of the consensus's is what the relay has", () => {
  for (const sendmeIncrement of [30, 31, 32]) {
    const expected = { parameters: PARAMETERS, sendmeIncrement };
    assert.deepEqual(agreed(response(sendmeIncrement), PARAMETERS), expected);
    // More bytes than that may come with later versions.
    assert.deepEqual(agreed(response(sendmeIncrement, 9, 9), PARAMETERS), expected);
  }
  const least = { ...PARAMETERS, sendmeIncrement: 1 };
  assert.equal(agreed(response(2), least)?.sendmeIncrement, 2);
  const most = { ...PARAMETERS, sendmeIncrement: 254 };
  assert.equal(agreed(response(255), most)?.sendmeIncrement, 255);
});

Deno.test("beginHop: without a response there is no congestion control", () => {
  for (const message of ["00", "01630100", "0000"]) {
    assert.equal(agreed(Uint8Array.fromHex(message), PARAMETERS), undefined);
    assert.equal(agreed(Uint8Array.fromHex(message), undefined), undefined);
  }
});

Deno.test("beginHop: another increment, or one that was not asked for, fails the handshake", () => {
  const fails = (message: Uint8Array, wanted: typeof PARAMETERS | undefined, expected: RegExp) =>
    assert.throws(() => agreed(message, wanted), (error) => {
      assert.ok(error instanceof CircuitError && error.code === "circuit-handshake-failed");
      assert.match(error.message, expected);
      return true;
    });
  for (const increment of [0, 1, 29, 33, 100, 255]) {
    fails(response(increment), PARAMETERS, new RegExp(`increment of ${increment}$`));
  }
  fails(response(0), { ...PARAMETERS, sendmeIncrement: 1 }, /increment of 0/);
  fails(response(31), undefined, /not asked for/);
});

Deno.test("beginHop: extensions that cannot be read fail the handshake", () => {
  for (const message of ["", "01", "0102", "010202ff", "010200"]) {
    assert.throws(() => agreed(Uint8Array.fromHex(message), PARAMETERS), CellError, message);
  }
});
