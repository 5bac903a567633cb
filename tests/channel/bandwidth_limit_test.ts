import assert from "node:assert/strict";
import { BandwidthLimit } from "../../src/channel/bandwidth_limit.ts";
import { CellCommand } from "../../src/cell/command.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { ListeningCircuit, OpenChannel } from "./open_channel.ts";

const CELL = 514;
/** Ten cells a second, and ten at once. */
const TEN_CELLS = { rate: 10 * CELL, burst: 10 * CELL };
const SECOND = 1000;

Deno.test("channels share what may be received, and what may be sent", async () => {
  const clock = new FakeClock();
  const limit = new BandwidthLimit({ rate: 1000, burst: 2000 }, clock);
  const [one, other] = [limit.forChannel(), limit.forChannel()];
  assert.equal(one.chunk, CELL);
  await one.mayReceive();
  one.noteReceived(1500);
  await other.mayReceive();
  other.noteReceived(1000);
  let passed = 0;
  const waiting = [one, other].map((each) => each.mayReceive().then(() => passed++));
  await one.sent(2000);
  await clock.untilPending(2);
  clock.advance(499);
  assert.equal(clock.pendingTimers, 2);
  clock.advance(1);
  await Promise.all(waiting);
  assert.equal(passed, 2);
});

Deno.test("whose channel is closed does not wait on", async () => {
  const clock = new FakeClock();
  const bandwidth = new BandwidthLimit({ rate: 1000, burst: 1000 }, clock).forChannel();
  bandwidth.noteReceived(5000);
  const waits = [bandwidth.mayReceive(), bandwidth.sent(5000)];
  assert.equal(clock.pendingTimers, 2);
  bandwidth.close();
  await Promise.all(waits);
  await bandwidth.mayReceive();
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("chunks are as large as the rate allows, and no larger than a read", () => {
  const chunk = (rate: number) =>
    new BandwidthLimit({ rate, burst: 2 ** 30 }, new FakeClock()).forChannel().chunk;
  assert.deepEqual([chunk(1024), chunk(40_000), chunk(10_000_000)], [514, 10_000, 65_536]);
});

/** Lets time pass in small steps until `done`, and gives how much it was. */
async function elapsed(clock: FakeClock, done: Promise<unknown>): Promise<number> {
  const start = clock.monotonic();
  let isDone = false;
  const end = done.then(() => isDone = true);
  for (;;) {
    await Promise.race([end, clock.untilPending(1)]);
    if (isDone) return clock.monotonic() - start;
    clock.advance(10);
  }
}

Deno.test("a channel is read no faster than allowed", async () => {
  await using open = await OpenChannel.start();
  const clock = new FakeClock();
  const { channel, link } = open;
  const circuit = new ListeningCircuit();
  const id = channel.attach(circuit);
  channel.limitBandwidth(new BandwidthLimit(TEN_CELLS, clock).forChannel());
  // The read that was under way already knows of no limit.
  await link.sendCell(id, CellCommand.RELAY);
  await circuit.untilCells(1);
  for (let count = 0; count < 60; count++) await link.sendCell(id, CellCommand.RELAY);
  const time = await elapsed(clock, circuit.untilCells(61));
  assert.ok(time >= 4.5 * SECOND && time <= 5.5 * SECOND, `${time}`);
});

Deno.test("a channel is written no faster than allowed, and what is left is not lost", async () => {
  await using open = await OpenChannel.start();
  const clock = new FakeClock();
  const { channel, link } = open;
  const id = channel.attach(new ListeningCircuit());
  channel.limitBandwidth(new BandwidthLimit(TEN_CELLS, clock).forChannel());
  for (let count = 0; count < 60; count++) {
    channel.sendCell(id, CellCommand.RELAY, Uint8Array.of(count));
  }
  const read = async () => {
    for (let count = 0; count < 60; count++) {
      assert.equal((await link.readCell()).body[0], count);
    }
  };
  const time = await elapsed(clock, read());
  assert.ok(time >= 4.5 * SECOND && time <= 5.5 * SECOND, `${time}`);
});

Deno.test("a channel that waits for its turn can be closed, and what it is closed with goes out", async () => {
  await using open = await OpenChannel.start();
  const clock = new FakeClock();
  const { channel, link } = open;
  const id = channel.attach(new ListeningCircuit());
  const bandwidth = new BandwidthLimit(TEN_CELLS, clock).forChannel();
  channel.limitBandwidth(bandwidth);
  for (let count = 0; count < 5; count++) {
    channel.sendCell(id, CellCommand.DESTROY, new Uint8Array(0));
  }
  channel.close();
  for (let count = 0; count < 5; count++) {
    assert.equal((await link.readCell()).command, CellCommand.DESTROY);
  }
  await channel.finished;
  assert.equal(clock.pendingTimers, 0);
});
