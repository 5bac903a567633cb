import assert from "node:assert/strict";
import { CellCommand } from "../../src/cell/command.ts";
import { ChannelError } from "../../src/channel/errors.ts";
import { ListeningCircuit, OpenChannel } from "./open_channel.ts";

const { RELAY, DESTROY, CREATED2, PADDING, VPADDING } = CellCommand;

Deno.test("Channel: cells go to their circuits, whole and in order", async () => {
  await using open = await OpenChannel.start();
  const { channel, link } = open;
  const circuits = [new ListeningCircuit(), new ListeningCircuit()];
  const ids = circuits.map((circuit) => channel.attach(circuit));
  assert.ok(ids.every((id) => id >= 2 ** 31 && id < 2 ** 32));
  assert.equal(channel.circuitCount, 2);
  for (let count = 0; count < 100; count++) {
    await link.sendCell(ids[count % 2], RELAY, new Uint8Array(509).fill(count));
  }
  await Promise.all(circuits.map((circuit) => circuit.untilCells(50)));
  for (const [index, { cells }] of circuits.entries()) {
    assert.ok(cells.every(({ body }, at) => body.every((byte) => byte === 2 * at + index)));
  }
  assert.equal(channel.traffic.cellsReceived, 100);
});

Deno.test("Channel: cells for unknown or detached circuits, padding and unknown cells are ignored", async () => {
  await using open = await OpenChannel.start();
  const { channel, link } = open;
  const circuit = new ListeningCircuit();
  const id = channel.attach(circuit);
  const gone = new ListeningCircuit();
  const goneId = channel.attach(gone);
  channel.detach(goneId);
  channel.detach(goneId);
  for (const each of [0, 1, goneId, 0xffffffff]) {
    for (const command of [RELAY, DESTROY, CREATED2]) await link.sendCell(each, command);
  }
  await link.sendCell(0, PADDING);
  await link.sendCell(id, VPADDING, new Uint8Array(3000));
  await link.sendCell(0, 200, new Uint8Array(65535));
  await link.sendCell(id, 100);
  await link.sendCell(id, DESTROY, Uint8Array.of(9));
  await circuit.untilCells(1);
  assert.deepEqual(circuit.cells.map(({ command, body }) => [command, body[0]]), [[DESTROY, 9]]);
  assert.deepEqual(gone.cells, []);
  assert.equal(channel.closedBy, undefined);
});

Deno.test("Channel: cells of the link handshake close an open channel", async () => {
  const { VERSIONS, CERTS, AUTH_CHALLENGE, PADDING_NEGOTIATE } = CellCommand;
  for (const command of [VERSIONS, CERTS, AUTH_CHALLENGE, PADDING_NEGOTIATE]) {
    await using open = await OpenChannel.start();
    const { channel, link } = open;
    const circuit = new ListeningCircuit();
    const id = channel.attach(circuit);
    await link.sendCell(0, command, new Uint8Array(2));
    await circuit.untilCells(1);
    assert.deepEqual([circuit.closedBy?.code, circuit.cells.length], ["unexpected-cell", 0]);
    assert.equal(channel.closedBy?.code, "unexpected-cell");
    assert.throws(() => channel.attach(circuit), ChannelError);
    assert.throws(() => channel.beginCell(id, RELAY), ChannelError);
  }
});

Deno.test("Channel: closed by the relay, and by us, tells each circuit once", async () => {
  await using open = await OpenChannel.start();
  const circuit = new ListeningCircuit();
  open.channel.attach(circuit);
  await Promise.all([open.link.close(), open.channel.finished]);
  assert.equal(circuit.closedBy?.code, "channel-closed-by-relay");

  await using other = await OpenChannel.start();
  const told: (ChannelError | undefined)[] = [];
  other.channel.attach({ onCell() {}, onChannelClosed: (error) => told.push(error) });
  const error = new ChannelError("channel-unused", "enough");
  other.channel.close(error);
  other.channel.close();
  assert.deepEqual([told, other.channel.closedBy], [[error], error]);
});

Deno.test("Channel: a cell cut off by the end of the channel reaches nobody", async () => {
  await using open = await OpenChannel.start();
  const { channel, link } = open;
  const circuit = new ListeningCircuit();
  const id = channel.attach(circuit);
  await link.sendBytes(Uint8Array.of(id >>> 24, id >>> 16, id >>> 8, id, RELAY, 1, 2, 3));
  await Promise.all([link.close(), channel.finished]);
  assert.deepEqual(circuit.cells, []);
});

Deno.test("Channel: what is sent in one turn arrives whole and in order, zeros after a short body", async () => {
  await using open = await OpenChannel.start();
  const { channel, link } = open;
  const id = channel.attach(new ListeningCircuit());
  for (let count = 0; count < 200; count++) {
    if (count % 2 === 0) channel.sendCell(id, RELAY, Uint8Array.of(count));
    else {
      const offset = channel.beginCell(id, RELAY);
      channel.outgoing.fill(count, offset, offset + 509);
    }
  }
  for (let count = 0; count < 200; count++) {
    const { circuitId, command, body } = await link.readCell();
    assert.deepEqual([circuitId, command, body[0]], [id, RELAY, count]);
    assert.ok(body.subarray(1).every((byte) => byte === (count % 2 === 0 ? 0 : count)));
  }
  assert.equal(channel.traffic.cellsSent, 200);
});

Deno.test("Channel: congested from 64 KiB on, until they are written", async () => {
  await using open = await OpenChannel.start();
  const { channel, link } = open;
  const id = channel.attach(new ListeningCircuit());
  const drained = Promise.withResolvers<void>();
  channel.addDrainListener(drained.resolve);
  let removed = 0;
  const listener = () => removed++;
  channel.addDrainListener(listener);
  channel.removeDrainListener(listener);
  const cells = Math.ceil(64 * 1024 / 514);
  for (let count = 0; count < cells; count++) {
    assert.equal(channel.congested, false);
    channel.sendCell(id, RELAY, Uint8Array.of(count));
  }
  assert.equal(channel.congested, true);
  const reading = (async () => {
    for (let count = 0; count < cells; count++) await link.readCell();
  })();
  await drained.promise;
  assert.deepEqual([channel.congested, removed], [false, 0]);
  await reading;
});

Deno.test("Channel: given up when 8 MiB wait to be written", async () => {
  await using open = await OpenChannel.start();
  const { channel } = open;
  const circuit = new ListeningCircuit();
  const id = channel.attach(circuit);
  let sent = 0;
  assert.throws(() => {
    for (;; sent++) channel.sendCell(id, RELAY, Uint8Array.of(1));
  }, (error) => error instanceof ChannelError && error.code === "channel-stuck");
  assert.equal(sent, Math.floor(8 * 1024 * 1024 / 514));
  assert.equal(circuit.closedBy?.code, "channel-stuck");
});

Deno.test("Channel: tells when its last circuit has left", async () => {
  await using open = await OpenChannel.start();
  const { channel } = open;
  let unused = 0;
  channel.onUnused = () => unused++;
  const ids = [1, 2].map(() => channel.attach(new ListeningCircuit()));
  channel.detach(ids[0]);
  assert.equal(unused, 0);
  channel.detach(ids[1]);
  assert.equal(unused, 1);
});
