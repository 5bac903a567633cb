/** How embedded relays control the flow of streams where congestion control was agreed on. */
import assert from "node:assert/strict";
import { CC_REQUEST, encodeCircuitExtensions } from "../../src/cell/circuit_extensions.ts";
import { RelayCommand } from "../../src/cell/command.ts";
import { decodeXon, encodeXoff, encodeXon } from "../../src/cell/flow_control_messages.ts";
import { encodeSendme } from "../../src/cell/sendme.ts";
import { encodeBegin, encodeResolve } from "../../src/cell/stream_messages.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { DestroyReason } from "../../testnet/relay_messages.ts";
import { connectTo, RawCircuit } from "./raw_circuit.ts";

const { BEGIN, CONNECTED, DATA, RESOLVE, RESOLVED, SENDME, XOFF, XON } = RelayCommand;
const REQUEST = encodeCircuitExtensions([CC_REQUEST]);
const EMPTY = new Uint8Array(0);
const BODY = new Uint8Array(498).fill(7);
const STREAM = 1;
/** DATA messages that one circuit SENDME answers. */
const INCREMENT = 31;
/** DATA messages that an embedded relay sends before the first. */
const WINDOW = 1000;

interface Controlled {
  readonly circuit: RawCircuit;
  readonly server: Deno.TcpConn;
}

/** A stream on a circuit of one hop with congestion control, or without. */
async function withStream(
  action: (stream: Controlled) => Promise<void>,
  message = REQUEST,
): Promise<void> {
  await using network = await EmbeddedNetwork.start({ guards: 1, middles: 0, exits: 1 });
  const exit = network.relay("exit0");
  await using channel = await connectTo(exit);
  const circuit = new RawCircuit(channel);
  await circuit.extendV3(exit, message);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  circuit.send(BEGIN, STREAM, encodeBegin("127.0.0.1", listener.addr.port, 0));
  using server = await listener.accept();
  await circuit.message(CONNECTED);
  await action({ circuit, server });
}

/** An answer on another stream shows that nothing else was on its way. */
async function nothingMore(circuit: RawCircuit): Promise<void> {
  circuit.send(RESOLVE, 2, encodeResolve("127.0.0.1"));
  await circuit.message(RESOLVED);
}

Deno.test("with congestion control one stream has the whole window of the circuit", () =>
  withStream(async ({ circuit, server }) => {
    const sending = server.write(new Uint8Array(2_000_000)).catch(() => 0);
    const digest = await circuit.data(INCREMENT);
    await circuit.data(WINDOW - INCREMENT);
    await nothingMore(circuit);
    circuit.send(SENDME, 0, encodeSendme(digest));
    await circuit.data(INCREMENT);
    await nothingMore(circuit);
    circuit.send(SENDME, STREAM, EMPTY);
    assert.equal(await circuit.destroyed(), DestroyReason.PROTOCOL);
    await sending;
  }));

Deno.test("with congestion control XOFF stops a stream until XON", () =>
  withStream(async ({ circuit, server }) => {
    const sending = server.write(new Uint8Array(2_000_000)).catch(() => 0);
    const digest = await circuit.data(INCREMENT);
    await circuit.data(WINDOW - INCREMENT);
    circuit.send(XOFF, STREAM, encodeXoff());
    circuit.send(SENDME, 0, encodeSendme(digest));
    await nothingMore(circuit);
    circuit.send(XON, STREAM, encodeXon(0));
    await circuit.data(INCREMENT);
    circuit.send(XOFF, STREAM, encodeXoff());
    await nothingMore(circuit);
    circuit.send(XOFF, STREAM, encodeXoff());
    assert.equal(await circuit.destroyed(), DestroyReason.PROTOCOL);
    await sending;
  }));

Deno.test("with congestion control a relay answers each increment, and says XOFF and XON", () =>
  withStream(async ({ circuit, server }) => {
    let sent = 0;
    let sendmes = 0;
    for (let isStopped = false; !isStopped;) {
      assert.ok(sent < 100_000, "the relay takes whatever is sent to it");
      for (let count = 0; count < 100; count++, sent++) circuit.send(DATA, STREAM, BODY);
      circuit.send(RESOLVE, 2, encodeResolve("127.0.0.1"));
      for (let command = -1; command !== RESOLVED;) {
        const received = await circuit.next();
        assert.ok(received.kind === "message");
        ({ command } = received);
        if (command === SENDME) sendmes++;
        if (command === XOFF) isStopped = true;
      }
    }
    assert.equal(sendmes, Math.floor(sent / INCREMENT));
    const buffer = new Uint8Array(64 * 1024);
    for (let came = 0; came < sent * BODY.length;) came += await server.read(buffer) ?? NaN;
    assert.ok(decodeXon(await circuit.message(XON)) > 0);
    await nothingMore(circuit);
  }));

for (
  const [name, command, body] of [
    ["XON", XON, encodeXon(0)],
    ["XOFF", XOFF, encodeXoff()],
  ] as const
) {
  Deno.test(`without congestion control ${name} closes the circuit`, () =>
    withStream(async ({ circuit }) => {
      circuit.send(command, STREAM, body);
      assert.equal(await circuit.destroyed(), DestroyReason.PROTOCOL);
    }, encodeCircuitExtensions([])));
}
