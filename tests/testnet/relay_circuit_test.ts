/** What embedded relays answer to clients that keep to the protocol, and to those that do not. */
import assert from "node:assert/strict";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import { encodeCreate2, encodeExtend2, HandshakeType } from "../../src/cell/create.ts";
import { encodeSendme } from "../../src/cell/sendme.ts";
import {
  decodeConnected,
  decodeEnd,
  decodeResolved,
  encodeBegin,
  encodeResolve,
} from "../../src/cell/stream_messages.ts";
import { createFastClientStart } from "../../src/crypto/create_fast.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { DestroyReason } from "../../testnet/relay_messages.ts";
import { freePort } from "../network/free_port.ts";
import { connectTo, happened, RawCircuit } from "./raw_circuit.ts";

const NAMES = {
  "web.test": "127.0.0.1",
  "elsewhere.test": "198.51.100.7",
  "7.100.51.198.in-addr.arpa": "elsewhere.test",
};
const EMPTY = new Uint8Array(0);
const BODY = new Uint8Array(498).fill(7);

/** A network of one guard, middle and exit, and a circuit through the first `hops` of them. */
async function withCircuit(
  hops: 1 | 2 | 3,
  action: (circuit: RawCircuit, network: EmbeddedNetwork) => Promise<void>,
): Promise<void> {
  await using network = await EmbeddedNetwork.start({
    guards: 1,
    middles: 1,
    exits: 1,
    names: NAMES,
  });
  const relays = ["guard0", "middle0", "exit0"].map((name) => network.relay(name));
  await using channel = await connectTo(relays[0]);
  await action(await RawCircuit.through(channel, relays.slice(0, hops)), network);
}

/** Waits until a relay has closed a circuit, and gives the reason that it gave or was given. */
async function closedAt(network: EmbeddedNetwork, relay: string): Promise<number> {
  const event = await happened(
    network,
    (each) => each.kind === "circuit-closed" && each.relay === relay,
  );
  return event.kind === "circuit-closed" ? event.reason : -1;
}

Deno.test("a relay answers CREATE_FAST", () =>
  withCircuit(1, async (_circuit, network) => {
    await using channel = await connectTo(network.relay("guard0"));
    const circuit = new RawCircuit(channel);
    const handshake = createFastClientStart(new Uint8Array(20).fill(3));
    circuit.sendCell(CellCommand.CREATE_FAST, handshake.onionSkin);
    const reply = await circuit.next();
    assert.ok(reply.kind === "cell" && reply.command === CellCommand.CREATED_FAST);
    circuit.crypto.addHop(handshake.complete(reply.body));
    circuit.send(RelayCommand.RESOLVE, 1, encodeResolve("127.0.0.1"));
    assert.equal((await circuit.message(RelayCommand.RESOLVED))[0], 4);
  }));

Deno.test("a relay destroys what is no handshake for it", () =>
  withCircuit(1, async (_circuit, network) => {
    await using channel = await connectTo(network.relay("guard0"));
    const skin = new Uint8Array(84);
    for (
      const body of [
        encodeCreate2(HandshakeType.NTOR, skin),
        encodeCreate2(HandshakeType.NTOR, skin.subarray(1)),
        encodeCreate2(HandshakeType.TAP, skin),
        Uint8Array.of(0, 2, 0xff, 0xff),
      ]
    ) {
      const circuit = new RawCircuit(channel);
      circuit.sendCell(CellCommand.CREATE2, body);
      assert.equal(await circuit.destroyed(), DestroyReason.PROTOCOL);
    }
  }));

Deno.test("a circuit id in use is not given twice", () =>
  withCircuit(1, async (circuit) => {
    circuit.sendCell(CellCommand.CREATE2, encodeCreate2(HandshakeType.NTOR, new Uint8Array(84)));
    assert.equal(await circuit.destroyed(), DestroyReason.RESOURCE_LIMIT);
  }));

Deno.test("EXTEND2 must come in a RELAY_EARLY cell, once, and not lead back", () =>
  withCircuit(2, async (_circuit, network) => {
    const [guard, middle] = ["guard0", "middle0"].map((name) => network.relay(name));
    await using channel = await connectTo(guard);
    const extendTo = ({ hostname, orPort: port, keys }: typeof guard) =>
      encodeExtend2(
        { hostname, port, rsaIdentity: keys.rsaId, ed25519Identity: keys.ed25519Id },
        HandshakeType.NTOR,
        new Uint8Array(84),
      );
    const early = { cell: CellCommand.RELAY_EARLY, hop: 0 };

    const late = await RawCircuit.through(channel, [guard]);
    late.send(RelayCommand.EXTEND2, 0, extendTo(middle));
    assert.equal(await late.destroyed(), DestroyReason.PROTOCOL);

    const twice = await RawCircuit.through(channel, [guard, middle]);
    twice.send(RelayCommand.EXTEND2, 0, extendTo(middle), early);
    assert.equal(await twice.destroyed(), DestroyReason.PROTOCOL);

    const back = await RawCircuit.through(channel, [guard]);
    back.send(RelayCommand.EXTEND2, 0, extendTo(guard), early);
    assert.equal(await back.destroyed(), DestroyReason.CONNECT_FAILED);

    const malformed = await RawCircuit.through(channel, [guard]);
    malformed.send(RelayCommand.EXTEND2, 0, Uint8Array.of(3, 0, 6, 1), early);
    assert.equal(await malformed.destroyed(), DestroyReason.PROTOCOL);
  }));

Deno.test("extending to nobody fails, and to another's identity too", () =>
  withCircuit(1, async (_circuit, network) => {
    const [guard, middle, exit] = ["guard0", "middle0", "exit0"].map((each) => network.relay(each));
    await using channel = await connectTo(guard);
    for (
      const target of [
        { hostname: middle.hostname, port: freePort(middle.hostname), keys: middle.keys },
        { hostname: middle.hostname, port: middle.orPort, keys: exit.keys },
      ]
    ) {
      const circuit = await RawCircuit.through(channel, [guard]);
      const { hostname, port, keys } = target;
      const body = encodeExtend2(
        { hostname, port, rsaIdentity: keys.rsaId, ed25519Identity: keys.ed25519Id },
        HandshakeType.NTOR,
        new Uint8Array(84),
      );
      circuit.send(RelayCommand.EXTEND2, 0, body, { cell: CellCommand.RELAY_EARLY });
      assert.equal(await circuit.destroyed(), DestroyReason.CONNECT_FAILED);
    }
  }));

Deno.test("the ninth RELAY_EARLY cell closes the circuit", () =>
  withCircuit(3, async (circuit, network) => {
    // Two have extended the circuit.
    for (let cell = 3; cell <= 8; cell++) {
      circuit.send(RelayCommand.DROP, 0, EMPTY, { cell: CellCommand.RELAY_EARLY });
    }
    circuit.send(RelayCommand.RESOLVE, 1, encodeResolve("127.0.0.1"));
    await circuit.message(RelayCommand.RESOLVED);
    circuit.send(RelayCommand.DROP, 0, EMPTY, { cell: CellCommand.RELAY_EARLY });
    assert.equal(await circuit.destroyed(), DestroyReason.PROTOCOL);
    assert.equal(await closedAt(network, "exit0"), DestroyReason.PROTOCOL);
  }));

Deno.test("a cell that no hop recognizes closes the circuit at its end", () =>
  withCircuit(2, async (circuit, network) => {
    circuit.sendCell(CellCommand.RELAY, new Uint8Array(509).fill(9));
    // The middle's DESTROY becomes TRUNCATED at the guard, as in C tor.
    const body = await circuit.message(RelayCommand.TRUNCATED);
    assert.equal(body[0], DestroyReason.PROTOCOL);
    assert.equal(await closedAt(network, "middle0"), DestroyReason.PROTOCOL);
  }));

Deno.test("a relay message longer than its cell closes the circuit", () =>
  withCircuit(1, async (circuit) => {
    circuit.send(RelayCommand.DROP, 0, EMPTY, { length: 499 });
    assert.equal(await circuit.destroyed(), DestroyReason.PROTOCOL);
  }));

Deno.test("DESTROY from the client travels to the end of the circuit", () =>
  withCircuit(3, async (circuit, network) => {
    circuit.sendCell(CellCommand.DESTROY, Uint8Array.of(DestroyReason.NONE));
    for (const relay of ["guard0", "middle0", "exit0"]) {
      assert.equal(await closedAt(network, relay), DestroyReason.NONE);
    }
  }));

Deno.test("TRUNCATE cuts the circuit off after a hop", () =>
  withCircuit(3, async (_circuit, network) => {
    const [guard, middle] = ["guard0", "middle0"].map((name) => network.relay(name));
    await using channel = await connectTo(guard);
    const circuit = await RawCircuit.through(channel, [guard, middle]);
    circuit.send(RelayCommand.TRUNCATE, 0, Uint8Array.of(DestroyReason.NONE), { hop: 0 });
    const body = await circuit.message(RelayCommand.TRUNCATED);
    assert.equal(body[0], DestroyReason.REQUESTED);
    assert.equal(await closedAt(network, "middle0"), DestroyReason.REQUESTED);
    // The guard has no next hop any more: what is for the middle closes the circuit.
    circuit.send(RelayCommand.DROP, 0, EMPTY, { hop: 1 });
    assert.equal(await circuit.destroyed(), DestroyReason.PROTOCOL);
  }));

Deno.test("the end of the client's channel closes its circuits at all relays", () =>
  withCircuit(3, async (_circuit, network) => {
    const mark = network.events.count;
    {
      await using channel = await connectTo(network.relay("guard0"));
      const path = ["guard0", "middle0", "exit0"].map((name) => network.relay(name));
      await RawCircuit.through(channel, path);
    }
    for (const relay of ["guard0", "middle0", "exit0"]) {
      const event = await happened(
        network,
        (each) => each.kind === "circuit-closed" && each.relay === relay,
        mark,
      );
      assert.ok(event.kind === "circuit-closed");
      assert.equal(event.reason, DestroyReason.CHANNEL_CLOSED);
    }
  }));

Deno.test("RESOLVE knows the names that it was given, and addresses", () =>
  withCircuit(3, async (circuit) => {
    const ask = async (name: string) => {
      circuit.send(RelayCommand.RESOLVE, 5, encodeResolve(name));
      const answers = decodeResolved(await circuit.message(RelayCommand.RESOLVED));
      return answers.map((answer) => [answer.kind, "value" in answer ? answer.value : undefined]);
    };
    assert.deepEqual(await ask("WEB.test"), [["ip4", "127.0.0.1"]]);
    assert.deepEqual(await ask("7.100.51.198.in-addr.arpa"), [["name", "elsewhere.test"]]);
    assert.deepEqual(await ask("2001:db8::7"), [["ip6", "2001:db8::7"]]);
    assert.deepEqual(await ask("missing.test"), [["error", undefined]]);
  }));

Deno.test("streams that cannot be opened end with their reason", () =>
  withCircuit(3, async (circuit) => {
    let streamId = 0;
    const ending = async (hostname: string, port: number, hop = 2) => {
      circuit.send(RelayCommand.BEGIN, ++streamId, encodeBegin(hostname, port, 0), { hop });
      return decodeEnd(await circuit.message(RelayCommand.END));
    };
    assert.equal((await ending("missing.test", 80)).reason, "resolve-failed");
    assert.equal((await ending("127.0.0.1", freePort("127.0.0.1"))).reason, "connection-refused");
    const refused = await ending("elsewhere.test", 80);
    assert.equal(refused.reason, "exit-policy");
    assert.deepEqual(refused.address, { kind: "ip4", value: "198.51.100.7" });
    // Only exits open connections.
    assert.equal((await ending("127.0.0.1", 80, 1)).reason, "exit-policy");
  }));

Deno.test("a stream carries bytes both ways, and its end", () =>
  withCircuit(3, async (circuit) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    circuit.send(RelayCommand.BEGIN, 9, encodeBegin("web.test", listener.addr.port, 0));
    // Sent before CONNECTED has come, as clients do that do not want to wait.
    circuit.send(RelayCommand.DATA, 9, Uint8Array.of(1, 2, 3));
    const server = await listener.accept();
    try {
      const { address } = decodeConnected(await circuit.message(RelayCommand.CONNECTED));
      assert.deepEqual(address, { kind: "ip4", value: "127.0.0.1" });
      const buffer = new Uint8Array(10);
      assert.equal(await server.read(buffer), 3);
      await server.write(Uint8Array.of(4, 5));
      assert.deepEqual([...await circuit.message(RelayCommand.DATA)], [4, 5]);
    } finally {
      server.close();
    }
    assert.equal(decodeEnd(await circuit.message(RelayCommand.END)).reason, "done");
    // Data for a stream that has ended is no fault of the client's.
    circuit.send(RelayCommand.DATA, 9, BODY);
    circuit.send(RelayCommand.RESOLVE, 10, encodeResolve("127.0.0.1"));
    await circuit.message(RelayCommand.RESOLVED);
  }));

Deno.test("END from the client ends the connection after what was sent before", () =>
  withCircuit(3, async (circuit) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    circuit.send(RelayCommand.BEGIN, 9, encodeBegin("web.test", listener.addr.port, 0));
    using server = await listener.accept();
    await circuit.message(RelayCommand.CONNECTED);
    for (let count = 0; count < 40; count++) circuit.send(RelayCommand.DATA, 9, BODY);
    circuit.send(RelayCommand.END, 9, Uint8Array.of(1));
    let length = 0;
    for await (const piece of server.readable) length += piece.length;
    assert.equal(length, 40 * BODY.length);
  }));

Deno.test("a relay sends no more than the windows allow, and goes on after SENDMEs", () =>
  withCircuit(3, async (circuit) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    circuit.send(RelayCommand.BEGIN, 1, encodeBegin("web.test", listener.addr.port, 0));
    using server = await listener.accept();
    await circuit.message(RelayCommand.CONNECTED);
    const sending = server.write(new Uint8Array(2_000_000)).catch(() => 0);
    // An answer on another stream shows that nothing else is on its way.
    const nothingMore = async () => {
      circuit.send(RelayCommand.RESOLVE, 2, encodeResolve("127.0.0.1"));
      await circuit.message(RelayCommand.RESOLVED);
    };
    await circuit.data(500);
    await nothingMore();
    circuit.send(RelayCommand.SENDME, 1, EMPTY);
    await circuit.data(50);
    await nothingMore();
    // A stream SENDME too many: the window of 500 would be passed.
    for (let count = 0; count < 11; count++) circuit.send(RelayCommand.SENDME, 1, EMPTY);
    const reply = await circuit.message(RelayCommand.TRUNCATED);
    assert.equal(reply[0], DestroyReason.PROTOCOL);
    await sending;
  }));

Deno.test("the streams of a circuit share its window", () =>
  withCircuit(3, async (circuit) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using servers = new DisposableStack();
    const opened: Deno.TcpConn[] = [];
    for (const streamId of [1, 2, 3]) {
      circuit.send(RelayCommand.BEGIN, streamId, encodeBegin("web.test", listener.addr.port, 0));
      opened.push(servers.use(await listener.accept()));
      await circuit.message(RelayCommand.CONNECTED);
    }
    const sending = opened.map((server) => server.write(new Uint8Array(2_000_000)).catch(() => 0));
    const digest = await circuit.data(100);
    await circuit.data(900);
    circuit.send(RelayCommand.RESOLVE, 4, encodeResolve("127.0.0.1"));
    await circuit.message(RelayCommand.RESOLVED);
    circuit.send(RelayCommand.SENDME, 0, encodeSendme(digest));
    await circuit.data(100);
    circuit.sendCell(CellCommand.DESTROY, Uint8Array.of(DestroyReason.NONE));
    await Promise.all(sending);
  }));

Deno.test("a circuit SENDME that was not due, or with a wrong digest, closes the circuit", () =>
  withCircuit(1, async (_circuit, network) => {
    const guard = network.relay("guard0");
    await using channel = await connectTo(guard);
    const early = await RawCircuit.through(channel, [guard]);
    early.send(RelayCommand.SENDME, 0, encodeSendme(new Uint8Array(20)));
    assert.equal(await early.destroyed(), DestroyReason.PROTOCOL);
    const version0 = await RawCircuit.through(channel, [guard]);
    version0.send(RelayCommand.SENDME, 0, EMPTY);
    assert.equal(await version0.destroyed(), DestroyReason.PROTOCOL);
  }));

Deno.test("circuit SENDMEs are authenticated in both directions", () =>
  withCircuit(3, async (circuit) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    circuit.send(RelayCommand.BEGIN, 1, encodeBegin("web.test", listener.addr.port, 0));
    using server = await listener.accept();
    await circuit.message(RelayCommand.CONNECTED);

    // Forward: the relay's SENDME carries the digest of our hundredth cell.
    for (let count = 0; count < 100; count++) circuit.send(RelayCommand.DATA, 1, BODY);
    const expected = circuit.crypto.sentDigest(2);
    const buffer = new Uint8Array(100 * BODY.length);
    for (let length = 0; length < buffer.length;) length += await server.read(buffer) ?? NaN;
    const seen: Uint8Array[] = [];
    while (seen.length < 3) seen.push(await circuit.message(RelayCommand.SENDME));
    // Two for the stream, which are empty, and one for the circuit.
    assert.deepEqual(seen.filter(({ length }) => length === 0).length, 2);
    assert.deepEqual(seen.filter(({ length }) => length > 0), [encodeSendme(expected)]);

    // Backward: it takes ours with the right digest, and no other.
    await server.write(new Uint8Array(200 * 498));
    circuit.send(RelayCommand.SENDME, 0, encodeSendme(await circuit.data(100)));
    const digest = await circuit.data(100);
    digest[0] ^= 1;
    circuit.send(RelayCommand.SENDME, 0, encodeSendme(digest));
    for (;;) {
      const received = await circuit.next();
      assert.ok(received.kind === "message");
      if (received.command === RelayCommand.DATA) continue;
      assert.equal(received.command, RelayCommand.TRUNCATED);
      assert.equal(received.body[0], DestroyReason.PROTOCOL);
      break;
    }
  }));

Deno.test("a client that sends more than the stream's window is cut off", () =>
  withCircuit(3, async (circuit) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    circuit.send(RelayCommand.BEGIN, 1, encodeBegin("web.test", listener.addr.port, 0));
    using _server = await listener.accept();
    await circuit.message(RelayCommand.CONNECTED);
    // The server does not read: when the system's buffers are full no SENDME comes any more.
    for (let count = 0;; count++) {
      if (count > 100_000) assert.fail("the relay takes whatever is sent to it");
      circuit.send(RelayCommand.DATA, 1, BODY);
      if (count % 100 !== 99) continue;
      circuit.send(RelayCommand.RESOLVE, 2, encodeResolve("127.0.0.1"));
      const answer = await untilOther(circuit, RelayCommand.SENDME);
      if (answer === RelayCommand.TRUNCATED) break;
      assert.equal(answer, RelayCommand.RESOLVED);
    }
  }));

/** The command of the next message that is another than `command`. */
async function untilOther(circuit: RawCircuit, command: number): Promise<number> {
  for (;;) {
    const received = await circuit.next();
    assert.ok(received.kind === "message");
    if (received.command !== command) return received.command;
  }
}
