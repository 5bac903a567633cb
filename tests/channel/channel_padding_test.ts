import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { CellCommand } from "../../src/cell/command.ts";
import { decodePaddingNegotiate } from "../../src/cell/padding_negotiate.ts";
import type { Channel } from "../../src/channel/channel.ts";
import { ChannelManager } from "../../src/channel/channel_manager.ts";
import type { ConnectionOptions } from "../../src/config/config.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import type { RelayEvent } from "../../testnet/events.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { ListeningCircuit } from "./open_channel.ts";
import type { RelayLink } from "./scripted_relay.ts";
import { TEST_CONNECTIONS } from "./test_connections.ts";
import { TestManager } from "./test_manager.ts";

const { PADDING, PADDING_NEGOTIATE, RELAY, RELAY_EARLY, CREATE2 } = CellCommand;
/** No randomness: padding is due after so many ms of silence. */
const SILENCE = 5000;
const FIXED = { nf_ito_low: SILENCE, nf_ito_high: SILENCE };

interface ReceivedCell {
  readonly command: number;
  readonly body: Uint8Array;
}

/** A channel to a relay that tells what it gets. */
class PaddedChannel implements AsyncDisposable {
  readonly test: TestManager;
  readonly cells: ReceivedCell[] = [];
  readonly #linked = Promise.withResolvers<RelayLink>();
  #wakeRelay: (() => void) | undefined;
  #wakeClient: (() => void) | undefined;
  #reads = 0;
  #opened: Channel | undefined;

  constructor(options: Partial<ConnectionOptions> = {}, ...versions: number[]) {
    const script = async (link: RelayLink) => {
      await link.handshake(...versions);
      this.#linked.resolve(link);
      for (;;) {
        this.cells.push(await link.readCell());
        this.#wakeRelay?.();
      }
    };
    this.test = new TestManager(script, options, {
      onRead: () => {
        this.#reads++;
        this.#wakeClient?.();
      },
    });
  }

  static async open(
    options: Partial<ConnectionOptions> = {},
    parameters: Readonly<Record<string, number>> = FIXED,
    ...versions: number[]
  ): Promise<PaddedChannel> {
    const padded = new PaddedChannel(options, ...versions);
    padded.setParameters(parameters);
    padded.#opened = await padded.test.manager.get(padded.test.relay.target);
    padded.id = padded.channel.attach(new ListeningCircuit());
    return padded;
  }

  id = 0;

  get channel(): Channel {
    assert.ok(this.#opened !== undefined);
    return this.#opened;
  }

  setParameters(values: Readonly<Record<string, number>>): void {
    this.test.manager.updateParameters((name, bounds) =>
      Math.min(Math.max(values[name] ?? bounds.default, bounds.min), bounds.max)
    );
  }

  /** Sends a cell of the circuit, and waits until the relay has it. */
  async send(command: number): Promise<void> {
    const count = this.cells.length + 1;
    this.channel.sendCell(this.id, command, new Uint8Array(0));
    await this.untilCells(count);
  }

  /** The relay sends a cell; resolves when the client has read it. */
  async receive(command: number): Promise<void> {
    const link = await this.#linked.promise;
    const reads = this.#reads;
    await link.sendCell(0, command);
    while (this.#reads === reads) await new Promise<void>((resolve) => this.#wakeClient = resolve);
  }

  async untilCells(count: number): Promise<void> {
    while (this.cells.length < count) {
      await new Promise<void>((resolve) => this.#wakeRelay = resolve);
    }
  }

  /** What the relay has got of this, after one more cell that ends what is looked at. */
  async count(command: number): Promise<number> {
    await this.send(CREATE2);
    return this.cells.filter((cell) => cell.command === command).length;
  }

  advance(ms: number): void {
    this.test.clock.advance(ms);
  }

  get sent(): number {
    return this.test.manager.statistics().paddingSent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
  }
}

Deno.test("ChannelPadding: a channel that waits for circuits or carries one hop is not padded", async () => {
  await using padded = await PaddedChannel.open();
  await padded.send(CREATE2);
  await padded.send(RELAY);
  padded.advance(100_000);
  assert.deepEqual([padded.sent, await padded.count(PADDING)], [0, 0]);
});

Deno.test("ChannelPadding: with a circuit of several hops, after each time of silence", async () => {
  await using padded = await PaddedChannel.open();
  await padded.send(RELAY_EARLY);
  padded.advance(SILENCE - 1);
  assert.equal(padded.sent, 0);
  padded.advance(1);
  assert.equal(padded.sent, 1);
  await padded.untilCells(2);
  padded.advance(SILENCE);
  assert.equal(padded.sent, 2);
  await padded.untilCells(3);
  assert.deepEqual(padded.cells.map(({ command }) => command), [RELAY_EARLY, PADDING, PADDING]);
  assert.ok(padded.cells.slice(1).every(({ body }) => body.every((byte) => byte === 0)));
});

Deno.test("ChannelPadding: what is sent or received ends the silence, padding too", async () => {
  await using padded = await PaddedChannel.open();
  await padded.send(RELAY_EARLY);
  for (let round = 0; round < 5; round++) {
    padded.advance(SILENCE - 1);
    await padded.send(RELAY);
    padded.advance(SILENCE - 1);
    await padded.receive(PADDING);
  }
  assert.equal(padded.sent, 0);
  assert.equal(padded.test.manager.statistics().paddingReceived, 5);
  padded.advance(SILENCE - 1);
  assert.equal(padded.sent, 0);
  padded.advance(1);
  assert.equal(padded.sent, 1);
});

Deno.test("ChannelPadding: at the network's own rate, one timer for each channel", async () => {
  await using padded = await PaddedChannel.open({}, {});
  await padded.send(RELAY_EARLY);
  // Past the time that a channel without circuits would have been kept.
  padded.advance(270_000);
  await padded.untilCells(1 + padded.sent);
  const times: number[] = [];
  let last: number | undefined;
  for (let at = 100; times.length < 200; at += 100) {
    const { sent } = padded;
    padded.advance(100);
    if (padded.sent === sent) continue;
    if (last !== undefined) times.push(at - last);
    last = at;
    await padded.untilCells(1 + padded.sent);
    // The keepalive and the padding.
    assert.equal(padded.test.clock.pendingTimers, 2);
  }
  assert.ok(Math.min(...times) >= 1500 && Math.max(...times) <= 9600);
  const mean = times.reduce((sum, time) => sum + time) / times.length;
  assert.ok(Math.abs(mean - 6832) < 500, `${mean}`);
});

Deno.test("ChannelPadding: nothing is said of it to the relay", async () => {
  await using padded = await PaddedChannel.open();
  await padded.send(RELAY_EARLY);
  assert.equal(await padded.count(PADDING_NEGOTIATE), 0);
});

Deno.test("ChannelPadding: switched off, the relay is told to stop, and none is sent", async () => {
  await using padded = await PaddedChannel.open({ padding: false });
  await padded.untilCells(1);
  const [{ command, body }] = padded.cells;
  assert.equal(command, PADDING_NEGOTIATE);
  assert.deepEqual(decodePaddingNegotiate(body), { command: "stop" });
  await padded.send(RELAY_EARLY);
  padded.advance(100_000);
  assert.deepEqual([padded.sent, await padded.count(PADDING)], [0, 0]);
});

Deno.test("ChannelPadding: reduced, the relay is told to stop, and less is sent", async () => {
  const parameters = { ...FIXED, nf_ito_low_reduced: 9000, nf_ito_high_reduced: 9000 };
  await using padded = await PaddedChannel.open({ reducedPadding: true }, parameters);
  await padded.untilCells(1);
  assert.equal(padded.cells[0].command, PADDING_NEGOTIATE);
  await padded.send(RELAY_EARLY);
  padded.advance(8999);
  assert.equal(padded.sent, 0);
  padded.advance(1);
  assert.equal(padded.sent, 1);
});

Deno.test("ChannelPadding: a relay of link protocol 4 is padded only if that is asked for", async () => {
  for (const padding of ["auto", true, false] as const) {
    await using padded = await PaddedChannel.open({ padding }, FIXED, 4);
    await padded.send(RELAY_EARLY);
    padded.advance(SILENCE);
    assert.equal(padded.sent, padding === true ? 1 : 0);
    assert.equal(await padded.count(PADDING_NEGOTIATE), 0);
  }
});

Deno.test("ChannelPadding: where the network says so, only once circuits carry something", async () => {
  await using padded = await PaddedChannel.open({}, { ...FIXED, nf_pad_before_usage: 0 });
  await padded.send(RELAY_EARLY);
  padded.advance(100_000);
  assert.equal(padded.sent, 0);
  await padded.send(RELAY);
  padded.advance(SILENCE);
  assert.equal(padded.sent, 1);
});

Deno.test("ChannelPadding: a new consensus changes it for channels that are open", async () => {
  await using padded = await PaddedChannel.open({}, { nf_ito_low: 0, nf_ito_high: 0 });
  await padded.send(RELAY_EARLY);
  padded.advance(100_000);
  // The keepalive, and the end of a channel without circuits.
  assert.deepEqual([padded.sent, padded.test.clock.pendingTimers], [0, 2]);
  await padded.send(RELAY);
  padded.setParameters(FIXED);
  padded.advance(SILENCE);
  assert.equal(padded.sent, 1);
  await padded.untilCells(3);
  padded.setParameters({ nf_ito_low: 0, nf_ito_high: 0 });
  padded.advance(100_000);
  assert.deepEqual([padded.sent, await padded.count(PADDING_NEGOTIATE)], [1, 0]);
});

Deno.test("ChannelPadding: what waits to be written is as good as padding", async () => {
  await using padded = await PaddedChannel.open();
  await padded.send(RELAY_EARLY);
  padded.advance(SILENCE - 1);
  // In one turn: the cell is not written when the padding falls due.
  padded.channel.sendCell(padded.id, RELAY, new Uint8Array(0));
  padded.advance(SILENCE + 1);
  assert.equal(padded.sent, 0);
  await padded.untilCells(2);
  assert.deepEqual(padded.cells.map(({ command }) => command), [RELAY_EARLY, RELAY]);
});

Deno.test("ChannelPadding: an embedded relay sees it in idle times, and not where it is switched off", async () => {
  await using network = await EmbeddedNetwork.start({ guards: 1, middles: 1, exits: 1 });
  const { hostname, orPort: port, keys } = network.relay("guard0");
  const target = { hostname, port, rsaIdentity: keys.rsaId };
  for (const padding of ["auto", false] as const) {
    const clock = new FakeClock(Date.now());
    const runtime = { clock, random: new SeededRandom(1), network: new SystemNetwork() };
    const manager = new ChannelManager(runtime, { ...TEST_CONNECTIONS, padding });
    const channel = await manager.get(target);
    const mark = network.events.count;
    channel.sendCell(channel.attach(new ListeningCircuit()), RELAY_EARLY, new Uint8Array(0));
    while (channel.hasQueuedCells) await new Promise((resolve) => setImmediate(resolve));
    if (padding === "auto") {
      // Longer than the longest time of silence.
      clock.advance(10_000);
      await network.events.until(({ kind }) => kind === "padding", { since: mark });
    } else {
      const isStop = (event: RelayEvent) =>
        event.kind === "padding-negotiate" && event.negotiation.command === "stop";
      await network.events.until(isStop);
      clock.advance(100_000);
    }
    const closed = network.events.count;
    await manager.close();
    await network.events.until(({ kind }) => kind === "channel-closed", { since: closed });
    const padded = network.events.since(mark).filter(({ kind }) => kind === "padding").length;
    assert.equal(padded > 0, padding === "auto");
  }
});

Deno.test("ChannelPadding: counted for channels that are gone as well", async () => {
  await using padded = await PaddedChannel.open();
  await padded.send(RELAY_EARLY);
  padded.advance(SILENCE);
  await padded.untilCells(2);
  padded.channel.close();
  await padded.channel.finished;
  const { open, paddingSent } = padded.test.manager.statistics();
  assert.deepEqual([open, paddingSent, padded.test.clock.pendingTimers], [0, 1, 1]);
});
