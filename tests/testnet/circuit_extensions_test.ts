/** What embedded relays answer to ntor-v3 handshakes, and what they agree to there. */
import assert from "node:assert/strict";
import {
  CC_REQUEST,
  ccResponse,
  type CircuitExtension,
  CircuitExtensionType,
  decodeCircuitExtensions,
  encodeCircuitExtensions,
} from "../../src/cell/circuit_extensions.ts";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import { encodeCreate2, HandshakeType } from "../../src/cell/create.ts";
import { encodeResolve } from "../../src/cell/stream_messages.ts";
import { ntorV3ClientStart } from "../../src/crypto/ntor_v3.ts";
import { ProtocolVersions } from "../../src/netdoc/protocols.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import * as bad from "../../testnet/misbehaviours/circuit_extensions.ts";
import { EmbeddedNetwork, type EmbeddedNetworkOptions } from "../../testnet/network.ts";
import { DestroyReason } from "../../testnet/relay_messages.ts";
import {
  CONFLUX_RELAY_PROTOCOLS,
  OLD_RELAY_PROTOCOLS,
  RELAY_PROTOCOLS,
  relayCapabilities,
} from "../../testnet/relay_protocols.ts";
import { connectTo, happened, RawCircuit } from "./raw_circuit.ts";

const NOTHING = encodeCircuitExtensions([]);
const REQUEST = encodeCircuitExtensions([CC_REQUEST]);

/** A network of one guard and one exit. */
async function withNetwork(
  options: EmbeddedNetworkOptions,
  action: (network: EmbeddedNetwork) => Promise<void>,
): Promise<void> {
  await using network = await EmbeddedNetwork.start({
    guards: 1,
    middles: 0,
    exits: 1,
    ...options,
  });
  await action(network);
}

/** What the guard answers to a client's message, and whether it then controls congestion. */
async function asksGuard(
  network: EmbeddedNetwork,
  message: Uint8Array,
): Promise<{ readonly answer: string; readonly congestionControl: boolean }> {
  const guard = network.relay("guard0");
  await using channel = await connectTo(guard);
  const since = network.events.count;
  const answer = await new RawCircuit(channel).extendV3(guard, message);
  const event = await happened(network, ({ kind }) => kind === "created", since);
  assert.ok(event.kind === "created");
  assert.equal(event.handshakeType, HandshakeType.NTOR_V3);
  assert.deepEqual(event.asked, decodeCircuitExtensions(message));
  return { answer: answer.toHex(), congestionControl: event.congestionControl };
}

/** The same of a network with a guard that misbehaves. */
async function answerOf(misbehaviour: Misbehaviour, message = REQUEST): Promise<string> {
  let answer = "";
  await withNetwork({ misbehaviours: { guard0: misbehaviour } }, async (network) => {
    ({ answer } = await asksGuard(network, message));
  });
  return answer;
}

Deno.test("a relay agrees to congestion control when it is asked for it", () =>
  withNetwork({}, async (network) => {
    assert.deepEqual(await asksGuard(network, REQUEST), {
      answer: encodeCircuitExtensions([ccResponse(31)]).toHex(),
      congestionControl: true,
    });
    const nothing = { answer: "00", congestionControl: false };
    assert.deepEqual(await asksGuard(network, NOTHING), nothing);
    const unknown = encodeCircuitExtensions([{ type: 200, body: new Uint8Array(90) }]);
    assert.deepEqual(await asksGuard(network, unknown), nothing);
  }));

Deno.test("a relay says the consensus's SENDME increment, and nothing when cc_alg is 0", async () => {
  await withNetwork({ parameters: "cc_sendme_inc=50" }, async (network) => {
    const { answer } = await asksGuard(network, REQUEST);
    assert.equal(answer, encodeCircuitExtensions([ccResponse(50)]).toHex());
  });
  await withNetwork({ parameters: "cc_alg=0 cc_sendme_inc=50" }, async (network) => {
    assert.deepEqual(await asksGuard(network, REQUEST), { answer: "00", congestionControl: false });
  });
});

Deno.test("messages pass through hops that were made with ntor-v3, by EXTEND2 too", () =>
  withNetwork({ names: { "web.test": "198.51.100.7" } }, async (network) => {
    const [guard, exit] = ["guard0", "exit0"].map((name) => network.relay(name));
    await using channel = await connectTo(guard);
    const circuit = new RawCircuit(channel);
    await circuit.extendV3(guard, NOTHING);
    const answer = await circuit.extendV3(exit, REQUEST);
    assert.equal(answer.toHex(), encodeCircuitExtensions([ccResponse(31)]).toHex());
    circuit.send(RelayCommand.RESOLVE, 1, encodeResolve("web.test"));
    const resolved = await circuit.message(RelayCommand.RESOLVED);
    assert.equal(resolved.subarray(0, 6).toHex(), "0404c6336407");
  }));

Deno.test("a relay refuses what it can't read, must not pass over, or is not for it", () =>
  withNetwork({ protocols: { exit0: OLD_RELAY_PROTOCOLS } }, async (network) => {
    const [guard, exit] = ["guard0", "exit0"].map((name) => network.relay(name));
    await using channel = await connectTo(guard);
    const skin = (message: Uint8Array, { keys } = guard) => {
      const relay = { ed25519Identity: keys.ed25519Id, onionKey: keys.onionKey };
      return ntorV3ClientStart(relay, new Uint8Array(32).fill(5), message).onionSkin;
    };
    const subprotocols: CircuitExtension = {
      type: CircuitExtensionType.SUBPROTOCOL_REQUEST,
      body: Uint8Array.of(2, 6),
    };
    for (
      const onionSkin of [
        skin(new Uint8Array(0)),
        skin(Uint8Array.of(1, 1)),
        skin(encodeCircuitExtensions([CC_REQUEST, subprotocols])),
        skin(REQUEST, exit),
        skin(REQUEST).with(100, 0),
        skin(REQUEST).subarray(0, 100),
      ]
    ) {
      const circuit = new RawCircuit(channel);
      const body = encodeCreate2(HandshakeType.NTOR_V3, onionSkin);
      circuit.sendCell(CellCommand.CREATE2, body);
      assert.equal(await circuit.destroyed(), DestroyReason.PROTOCOL);
    }
    await using toOld = await connectTo(exit);
    const circuit = new RawCircuit(toOld);
    circuit.sendCell(
      CellCommand.CREATE2,
      encodeCreate2(HandshakeType.NTOR_V3, skin(REQUEST, exit)),
    );
    assert.equal(await circuit.destroyed(), DestroyReason.PROTOCOL);
    await RawCircuit.through(toOld, [exit]);
  }));

Deno.test("what a relay can agree to follows from its subprotocols and the consensus", () => {
  const of = (protocols: string, parameters = "") =>
    relayCapabilities(ProtocolVersions.parse(protocols), parameters);
  const on = (sendmeIncrement: number) => ({ congestionControl: true, sendmeIncrement });
  const none = { congestionControl: undefined, conflux: false };
  const controlled = { ntorV3: true, congestionControl: on(31) };
  assert.deepEqual(of(RELAY_PROTOCOLS), { ...controlled, conflux: false });
  assert.deepEqual(of(CONFLUX_RELAY_PROTOCOLS), { ...controlled, conflux: true });
  assert.deepEqual(of(CONFLUX_RELAY_PROTOCOLS, "cc_alg=0"), { ...none, ntorV3: true });
  assert.deepEqual(of(OLD_RELAY_PROTOCOLS), { ...none, ntorV3: false });
  assert.deepEqual(of("FlowCtrl=1 Relay=4"), { ...none, ntorV3: true });
  assert.deepEqual(
    of(RELAY_PROTOCOLS, "a=1 cc_alg=2 cc_sendme_inc=7 z=9").congestionControl,
    on(7),
  );
  const bounded = (value: number) =>
    of(RELAY_PROTOCOLS, `cc_sendme_inc=${value}`).congestionControl;
  assert.deepEqual([bounded(0), bounded(999)], [on(1), on(254)]);
});

Deno.test("the relays that misbehave in their extensions do so", async () => {
  assert.equal(await answerOf(bad.NO_EXTENSION_LIST), "");
  assert.equal(await answerOf(bad.CUT_OFF_EXTENSIONS), "0202011f");
  assert.equal(await answerOf(bad.EMPTY_CC_RESPONSE), "010200");
  assert.equal(await answerOf(bad.GARBAGE_EXTENSIONS), "ff".repeat(200));
  assert.equal(await answerOf(bad.UNASKED_CC_RESPONSE, NOTHING), "0102011f");
  assert.equal(await answerOf(bad.UNASKED_CC_RESPONSE), "0102011f");
  assert.equal(await answerOf(bad.sendmeIncrement(0)), "01020100");
  assert.equal(await answerOf(bad.sendmeIncrement(33)), "01020121");
  assert.equal(await answerOf(bad.sendmeIncrement(33), NOTHING), "00");
  assert.equal(await answerOf(bad.twoCcResponses("first")), "0202011f0201fe");
  assert.equal(await answerOf(bad.twoCcResponses("second")), "020201fe02011f");
  const unknown = `030028${"00".repeat(40)}02011f4d00010203`;
  assert.equal(await answerOf(bad.UNKNOWN_EXTENSIONS), unknown);
  assert.equal(await answerOf(bad.REFUSES_CONGESTION_CONTROL), "00");
  await assert.rejects(answerOf(bad.CHANGED_MESSAGE), { code: "ntor-auth-mismatch" });
});
