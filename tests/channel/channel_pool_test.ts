import assert from "node:assert/strict";
import type { Channel } from "../../src/channel/channel.ts";
import type { ConnectionOptions } from "../../src/config/config.ts";
import { ed25519IdentityFromBytes } from "../../src/crypto/identity.ts";
import { ListeningCircuit } from "./open_channel.ts";
import { TestManager } from "./test_manager.ts";

const WEEK = 7 * 24 * 3_600_000;
const UNUSED_TIMEOUT = 180_000;

function withOptions(options: Partial<ConnectionOptions>): TestManager {
  return new TestManager(undefined, options);
}

/** A second address of the test's relay; only the network knows that it is the same machine. */
const ELSEWHERE = "127.0.0.2";

Deno.test("ChannelPool: a channel older than a week takes no new circuits and ends with its last", async () => {
  await using test = withOptions({});
  const { manager, relay, clock } = test;
  const old = await manager.get(relay.target);
  const ids = [1, 2].map(() => old.attach(new ListeningCircuit()));
  clock.advance(WEEK);
  assert.equal(await manager.get(relay.target), old);
  clock.advance(1);
  const young = await manager.get(relay.target);
  assert.notEqual(young, old);
  assert.deepEqual([old.retired, old.closedBy?.code, manager.channels.length], [
    true,
    undefined,
    2,
  ]);
  assert.equal(await manager.get(relay.target), young);
  old.detach(ids[0]);
  assert.equal(old.closedBy?.code, undefined);
  old.detach(ids[1]);
  assert.equal(old.closedBy?.code, "channel-unused");
  assert.equal(relay.connections, 2);
});

Deno.test("ChannelPool: a retired channel is replaced, and closed at once when nobody uses it", async () => {
  await using test = withOptions({});
  const { manager, relay } = test;
  const channel = await manager.get(relay.target);
  channel.retire();
  assert.equal(channel.closedBy?.code, "channel-unused");
  assert.notEqual(await manager.get(relay.target), channel);
});

Deno.test("ChannelPool: reduced padding halves the time without circuits", async () => {
  await using test = withOptions({ reducedPadding: true });
  const { manager, relay, clock } = test;
  const channel = await manager.get(relay.target);
  clock.advance(UNUSED_TIMEOUT / 2 - 1);
  assert.equal(channel.closedBy?.code, undefined);
  clock.advance(UNUSED_TIMEOUT / 4 + 1);
  assert.equal(channel.closedBy?.code, "channel-unused");
});

Deno.test("ChannelPool: whoever asks for a channel keeps it for its full time", async () => {
  await using test = withOptions({});
  const { manager, relay, clock } = test;
  const channel = await manager.get(relay.target);
  for (let asked = 0; asked < 10; asked++) {
    clock.advance(UNUSED_TIMEOUT - 1);
    assert.equal(await manager.get(relay.target), channel);
  }
  clock.advance(1.5 * UNUSED_TIMEOUT);
  assert.equal(channel.closedBy?.code, "channel-unused");
});

/** Opens a channel to the relay, which takes none of the channels that are there. */
async function another(test: TestManager): Promise<Channel> {
  for (const channel of test.manager.channels) if (channel.circuitCount > 0) channel.retire();
  return await test.manager.get(test.relay.target);
}

Deno.test("ChannelPool: as many as may be open: the longest unused one goes, or nobody comes", async () => {
  await using test = withOptions({ maxOpen: 3 });
  const { manager, relay, clock } = test;
  const first = await manager.get(relay.target);
  const id = first.attach(new ListeningCircuit());
  const second = await another(test);
  second.attach(new ListeningCircuit());
  const third = await another(test);
  third.attach(new ListeningCircuit());
  assert.equal(manager.statistics().open, 3);
  for (const channel of manager.channels) channel.retire();
  await assert.rejects(manager.get(relay.target), { code: "too-many-channels", retry: "later" });
  assert.equal(manager.statistics().failures.local, 1);
  // It is no sign that relays are out of reach.
  assert.deepEqual(test.failures, []);
  first.detach(id);
  await first.finished;
  const fourth = await manager.get(relay.target);
  assert.equal(fourth.closedBy, undefined);
  clock.advance(1);
  const dialled = test.network.dialled.length;
  assert.equal(await manager.get({ ...relay.target, hostname: ELSEWHERE }), fourth);
  assert.equal(test.network.dialled.length, dialled);
});

Deno.test("ChannelPool: the channel that is unused the longest makes room", async () => {
  await using test = withOptions({ maxOpen: 2 });
  const { manager, relay, clock } = test;
  const long = await manager.get(relay.target);
  const longId = long.attach(new ListeningCircuit());
  const short = await another(test);
  // Not retired: what happens to both is for the room alone.
  const shortId = short.attach(new ListeningCircuit());
  assert.equal(manager.statistics().open, 2);
  short.detach(shortId);
  clock.advance(1000);
  const ed25519Identity = ed25519IdentityFromBytes(new Uint8Array(32));
  // Another Ed25519 identity: no channel that is there will do.
  await assert.rejects(manager.get({ ...relay.target, ed25519Identity }), {
    code: "ed25519-identity-differs",
  });
  assert.deepEqual([long.closedBy, short.closedBy?.code], [undefined, "channel-unused"]);
  long.detach(longId);
});

Deno.test("ChannelPool: two attempts at different addresses of a relay end at one channel", async () => {
  await using test = withOptions({});
  const { manager, relay, network } = test;
  const system = network.connect.bind(network);
  network.connect = (address, signal) => system({ ...address, hostname: "127.0.0.1" }, signal);
  const [one, two] = await Promise.all([
    manager.get(relay.target),
    manager.get({ ...relay.target, hostname: ELSEWHERE }),
  ]);
  assert.equal(one, two);
  assert.deepEqual([relay.connections, manager.channels.length], [2, 1]);
});

Deno.test("ChannelPool: one address is dialled, by the families that are allowed", async () => {
  const ipv6 = { hostname: "2001:db8::1", port: 9001 };
  const dialled = async (options: Partial<ConnectionOptions>) => {
    await using test = withOptions(options);
    const { manager, relay, network } = test;
    network.fault = () => new Deno.errors.NetworkUnreachable("no network");
    await assert.rejects(manager.get({ ...relay.target, ipv6 }), { code: "network-unreachable" });
    return network.dialled.map(({ hostname }) => hostname);
  };
  assert.deepEqual(await dialled({}), ["127.0.0.1"]);
  assert.deepEqual(await dialled({ useIpv6: true }), ["127.0.0.1"]);
  assert.deepEqual(await dialled({ useIpv6: true, preferIpv6: true }), [ipv6.hostname]);
  assert.deepEqual(await dialled({ useIpv4: false, useIpv6: true }), [ipv6.hostname]);

  await using test = withOptions({ useIpv4: false, useIpv6: true });
  await assert.rejects(test.manager.get(test.relay.target), { code: "no-usable-address" });
  assert.deepEqual(test.network.dialled, []);
});
