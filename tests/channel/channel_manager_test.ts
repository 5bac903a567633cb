import assert from "node:assert/strict";
import { CellCommand } from "../../src/cell/command.ts";
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { ListeningCircuit } from "./open_channel.ts";
import { ScriptedRelay } from "./scripted_relay.ts";
import { TEST_CONNECTIONS } from "./test_connections.ts";
import { TestManager } from "./test_manager.ts";

const UNUSED_TIMEOUT = 180_000;
const KEEPALIVE_PERIOD = TEST_CONNECTIONS.keepalivePeriod;

Deno.test("ChannelManager: callers share an attempt and then the channel", async () => {
  await using test = new TestManager();
  const { manager, relay } = test;
  const [one, two] = await Promise.all([manager.get(relay.target), manager.get(relay.target)]);
  assert.equal(one, two);
  assert.equal(await manager.get({ ...relay.target, ed25519Identity: undefined }), one);
  assert.deepEqual([relay.connections, manager.channels.length], [1, 1]);
});

Deno.test("ChannelManager: attempts by different identities end at one channel, or at an error", async () => {
  await using test = new TestManager();
  const { manager, relay } = test;
  const [one, two] = await Promise.all([
    manager.get(relay.target),
    manager.get({ ...relay.target, ed25519Identity: undefined }),
  ]);
  assert.equal(one, two);
  assert.equal(manager.channels.length, 1);
  const ed25519Identity = ed25519IdentityFromBytes(new Uint8Array(32));
  await assert.rejects(manager.get({ ...relay.target, ed25519Identity }), {
    code: "ed25519-identity-differs",
  });
  assert.equal(one.closedBy, undefined);
});

Deno.test("ChannelManager: an attempt goes on while anybody waits for it", async () => {
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  await using test = new TestManager(async (link) => {
    begun.resolve();
    await goOn.promise;
    await link.handshake();
    await link.untilClosed();
  });
  const { manager, relay } = test;
  const abort = new AbortController();
  const one = assert.rejects(manager.get(relay.target, abort.signal), /enough/);
  const two = manager.get(relay.target);
  await begun.promise;
  abort.abort(new RangeError("enough"));
  await one;
  goOn.resolve();
  assert.equal((await two).closedBy, undefined);
  assert.equal(relay.connections, 1);
  await assert.rejects(manager.get(relay.target, abort.signal), /enough/);
});

Deno.test("ChannelManager: an attempt is given up when nobody waits for it", async () => {
  const begun = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  await using test = new TestManager(async (link) => {
    await link.readCell();
    begun.resolve();
    await link.untilClosed();
    closed.resolve();
  });
  const { manager, relay, runtime } = test;
  const aborts = [new AbortController(), new AbortController()];
  const waiting = aborts.map(({ signal }) =>
    assert.rejects(manager.get(relay.target, signal), /enough/)
  );
  await begun.promise;
  for (const abort of aborts) abort.abort(new RangeError("enough"));
  await Promise.all([...waiting, closed.promise]);
  // The keepalive is all that waits.
  assert.deepEqual([runtime.clock.pendingTimers, test.failures], [1, []]);
});

Deno.test("ChannelManager: a failed attempt is told once and leaves nothing behind", async () => {
  let good = false;
  await using test = new TestManager(async (link) => {
    if (!good) return await link.sendVersions(1);
    await link.handshake();
    await link.untilClosed();
  });
  const { manager, relay } = test;
  const failing = [1, 2].map(() =>
    assert.rejects(manager.get(relay.target), { code: "no-common-link-protocol" })
  );
  await Promise.all(failing);
  assert.deepEqual([test.failures.length, relay.connections], [1, 1]);
  good = true;
  await manager.get(relay.target);
  assert.equal(relay.connections, 2);
});

Deno.test("ChannelManager: a channel that nobody uses is closed after 3 to 4.5 minutes", async () => {
  await using test = new TestManager();
  const { manager, relay, runtime } = test;
  const channel = await manager.get(relay.target);
  runtime.clock.advance(UNUSED_TIMEOUT - 1);
  assert.equal(channel.closedBy?.code, undefined);
  runtime.clock.advance(UNUSED_TIMEOUT / 2 + 1);
  assert.equal(channel.closedBy?.code, "channel-unused");
  await channel.finished;
  const other = await manager.get(relay.target);
  assert.notEqual(other, channel);
});

Deno.test("ChannelManager: a channel is kept while a circuit uses it, and timed from its end", async () => {
  await using test = new TestManager();
  const { manager, relay, runtime } = test;
  const channel = await manager.get(relay.target);
  const id = channel.attach(new ListeningCircuit());
  runtime.clock.advance(10 * UNUSED_TIMEOUT);
  assert.equal(channel.closedBy?.code, undefined);
  channel.detach(id);
  runtime.clock.advance(UNUSED_TIMEOUT - 1);
  assert.equal(channel.closedBy?.code, undefined);
  runtime.clock.advance(UNUSED_TIMEOUT);
  assert.equal(channel.closedBy?.code, "channel-unused");
});

Deno.test("ChannelManager: a channel with circuits that was silent for a period gets padding", async () => {
  const cells: number[] = [];
  let wake: (() => void) | undefined;
  await using test = new TestManager(async (link) => {
    await link.handshake();
    for (;;) {
      cells.push((await link.readCell()).command);
      wake?.();
    }
  });
  const untilCells = async (count: number) => {
    while (cells.length < count) await new Promise<void>((resolve) => wake = resolve);
  };
  const { manager, relay, runtime } = test;
  const channel = await manager.get(relay.target);
  const id = channel.attach(new ListeningCircuit());
  runtime.clock.advance(KEEPALIVE_PERIOD);
  runtime.clock.advance(KEEPALIVE_PERIOD);
  await untilCells(1);
  // A period in which something was sent needs none.
  channel.sendCell(id, CellCommand.RELAY, new Uint8Array(0));
  runtime.clock.advance(KEEPALIVE_PERIOD);
  channel.sendCell(id, CellCommand.DESTROY, new Uint8Array(0));
  await untilCells(3);
  assert.deepEqual(cells, [CellCommand.PADDING, CellCommand.RELAY, CellCommand.DESTROY]);
});

Deno.test("ChannelManager: a channel that the relay closes is forgotten", async () => {
  const links: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()];
  await using test = new TestManager(async (link) => {
    const ending = links[test.relay.connections - 1];
    await link.handshake();
    await ending.promise;
    await link.close();
  });
  const { manager, relay } = test;
  const channel = await manager.get(relay.target);
  const circuit = new ListeningCircuit();
  channel.attach(circuit);
  links[0].resolve();
  await channel.finished;
  assert.equal(circuit.closedBy?.code, "channel-closed-by-relay");
  assert.deepEqual(manager.channels, []);
  assert.notEqual(await manager.get(relay.target), channel);
  links[1].resolve();
});

Deno.test("ChannelManager: close ends channels and attempts, and nothing is opened after", async () => {
  await using test = new TestManager();
  const silent = new ScriptedRelay(test.runtime.clock.now(), (link) => link.untilClosed());
  const { manager, relay } = test;
  const channel = await manager.get(relay.target);
  const rsaIdentity = rsaIdentityFromBytes(new Uint8Array(20));
  const opening = manager.get({ ...silent.target, rsaIdentity });
  const refused = assert.rejects(opening, { code: "channel-closed" });
  await manager.close();
  await refused;
  assert.equal(channel.closedBy?.code, "channel-closed");
  await assert.rejects(manager.get(relay.target), { code: "channel-closed" });
  await silent[Symbol.asyncDispose]();
});
