import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { ChannelTarget } from "../../src/channel/connect.ts";
import { rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { LogWatch } from "../misbehaviour/log_watch.ts";
import { FaultyNetwork, TestManager } from "./test_manager.ts";

const HOUR = 3_600_000;
/** The time for one attempt, in ms. */
const TIMEOUT = 10_000;
const REFUSED = { code: "connect-refused" };
/** The first pause with all of its jitter, in ms. */
const LONGEST_PAUSE = 1250;
const SHORTEST_PAUSE = 750;

function refusing(network: FaultyNetwork, times: number): void {
  let left = times;
  network.fault = () => left-- > 0 ? new Deno.errors.ConnectionRefused("refused") : undefined;
}

/** A relay that nobody has; nothing answers there unless the test's network does. */
function nobody(number: number): ChannelTarget {
  const rsaIdentity = rsaIdentityFromBytes(new Uint8Array(20).fill(number));
  return { hostname: "192.0.2.77", port: 1000 + number, rsaIdentity };
}

Deno.test("ChannelOpener: a relay that refuses is tried once more after a pause, and the log says so", async () => {
  await using log = await LogWatch.start();
  await using test = new TestManager();
  const { manager, relay, network, clock } = test;
  refusing(network, 1);
  const opening = manager.get(relay.target);
  await test.untilPause(1);
  const said = await log.until("Attempt 1 to reach");
  assert.match(said, /\[scrubbed\] failed \(refused\); attempt 2 follows in \d+ ms/);
  const pause = Number(/in (\d+) ms/.exec(said)?.[1]);
  assert.ok(pause >= SHORTEST_PAUSE && pause <= LONGEST_PAUSE, said);
  clock.advance(pause - 2);
  assert.equal(network.dialled.length, 1);
  clock.advance(3);
  assert.equal((await opening).closedBy, undefined);
  const { attempts, failures } = manager.statistics();
  assert.deepEqual([attempts, failures.refused, test.failures.length], [2, 1, 1]);
});

Deno.test("ChannelOpener: refused twice is enough, and takes little more than a second", async () => {
  await using test = new TestManager();
  const { manager, relay, network, clock } = test;
  refusing(network, 9);
  const opening = assert.rejects(manager.get(relay.target), REFUSED);
  await test.untilPause(1);
  clock.advance(LONGEST_PAUSE);
  await opening;
  assert.deepEqual([network.dialled.length, clock.pendingTimers], [2, 1]);
});

Deno.test("ChannelOpener: who does not want a retry is told at once, who does gets it", async () => {
  await using test = new TestManager();
  const { manager, relay, network, clock } = test;
  refusing(network, 1);
  const patient = manager.get(relay.target);
  await assert.rejects(manager.get(relay.target, undefined, { retry: false }), REFUSED);
  await test.untilPause(1);
  // Who comes in the pause waits for the next attempt.
  const late = manager.get(relay.target, undefined, { retry: false });
  clock.advance(LONGEST_PAUSE);
  assert.equal(await patient, await late);
  assert.equal(network.dialled.length, 2);

  refusing(network, 1);
  const other = assert.rejects(manager.get(nobody(1), undefined, { retry: false }), REFUSED);
  await other;
  assert.equal(network.dialled.length, 3);
});

Deno.test("ChannelOpener: silence is not tried again", async () => {
  await using test = new TestManager();
  const { manager, relay, network, clock } = test;
  network.fault = () => "silence";
  const opening = assert.rejects(manager.get(relay.target), { code: "channel-timeout" });
  await clock.untilPending(2);
  clock.advance(TIMEOUT);
  await opening;
  assert.deepEqual([network.dialled.length, manager.statistics().failures.timeout], [1, 1]);
});

Deno.test("ChannelOpener: no network of this machine's own is not tried again", async () => {
  await using test = new TestManager();
  const { manager, relay, network } = test;
  network.fault = () => new Deno.errors.NetworkUnreachable("no network");
  await assert.rejects(manager.get(relay.target), { code: "network-unreachable" });
  network.fault = () => Object.assign(new Error("No route to host"), { code: "EHOSTUNREACH" });
  await assert.rejects(manager.get(relay.target), { code: "connect-failed" });
  network.fault = () => new Deno.errors.TimedOut("timed out");
  await assert.rejects(manager.get(relay.target), { code: "channel-timeout" });
  const { failures } = manager.statistics();
  assert.deepEqual([failures.local, failures.unreachable, failures.timeout], [1, 1, 1]);
});

Deno.test("ChannelOpener: given up in the pause, at once and for good", async () => {
  await using test = new TestManager();
  const { manager, relay, network, clock } = test;
  refusing(network, 9);
  const abort = new AbortController();
  const opening = assert.rejects(manager.get(relay.target, abort.signal), /enough/);
  await test.untilPause(1);
  abort.abort(new RangeError("enough"));
  await opening;
  assert.equal(clock.pendingTimers, 1);
  clock.advance(LONGEST_PAUSE);
  assert.equal(network.dialled.length, 1);
});

Deno.test("ChannelOpener: closing ends pauses, also for those who want no retry", async () => {
  const test = new TestManager();
  const { manager, relay, network } = test;
  refusing(network, 9);
  const stopped = { code: "channel-closed" };
  const patient = assert.rejects(manager.get(relay.target), stopped);
  await test.untilPause(1);
  const late = assert.rejects(manager.get(relay.target, undefined, { retry: false }), stopped);
  await test[Symbol.asyncDispose]();
  await Promise.all([patient, late]);
  assert.equal(network.dialled.length, 1);
});

Deno.test("ChannelOpener: a relay that is somebody else is not asked again for an hour", async () => {
  await using test = new TestManager((link) => link.handshake());
  const { manager, relay, network, clock } = test;
  const target = { ...relay.target, rsaIdentity: nobody(1).rsaIdentity };
  await assert.rejects(manager.get(target), { code: "rsa-identity-differs" });
  await assert.rejects(manager.get(target), { code: "identity-refused-before" });
  clock.advance(HOUR - 1);
  await assert.rejects(manager.get(target), { code: "identity-refused-before" });
  assert.equal(network.dialled.length, 1);
  // Only attempts count.
  const { attempts, failures } = manager.statistics();
  assert.deepEqual([attempts, failures.identity, test.failures.length], [1, 1, 1]);
  assert.deepEqual([...manager.refusals], [["rsa-identity-differs", 1]]);
  clock.advance(1);
  await assert.rejects(manager.get(target), { code: "rsa-identity-differs" });
  assert.equal(manager.refusals.get("rsa-identity-differs"), 2);
});

Deno.test("ChannelOpener: as many at once as may be, the others in turn and with their full time", async () => {
  await using test = new TestManager(undefined, { maxConnecting: 2 });
  const { manager, network, clock } = test;
  network.fault = () => "silence";
  const abort = new AbortController();
  const [one, two, three] = [1, 2, 3].map((number) =>
    assert.rejects(manager.get(nobody(number)), { code: "channel-timeout" })
  );
  const four = assert.rejects(manager.get(nobody(4), abort.signal), /enough/);
  const five = assert.rejects(manager.get(nobody(5)), { code: "channel-timeout" });
  await clock.untilPending(3);
  const load = () => {
    const { opening, queued } = manager.statistics();
    return [opening, queued, network.underWay];
  };
  assert.deepEqual(load(), [2, 3, 2]);
  abort.abort(new RangeError("enough"));
  await four;
  assert.deepEqual(load(), [2, 2, 2]);
  clock.advance(TIMEOUT);
  await Promise.all([one, two]);
  await clock.untilPending(3);
  assert.deepEqual(load(), [2, 0, 2]);
  clock.advance(TIMEOUT - 1);
  assert.deepEqual(load(), [2, 0, 2]);
  clock.advance(1);
  await Promise.all([three, five]);
  assert.deepEqual(network.dialled.map(({ port }) => port), [1001, 1002, 1003, 1005]);
  assert.deepEqual(load(), [0, 0, 0]);
});

Deno.test("ChannelOpener: however often it is asked for, a relay is dialled by one attempt at a time", async () => {
  await using test = new TestManager();
  const { manager, network, clock } = test;
  refusing(network, Infinity);
  const seconds = 60;
  const everybody: Promise<void>[] = [];
  for (let second = 0; second < seconds; second++) {
    for (let caller = 0; caller < 20; caller++) {
      const abort = new AbortController();
      const retry = caller % 2 === 0;
      const asking = manager.get(nobody(1), abort.signal, { retry }).then(
        () => assert.fail(),
        () => {},
      );
      // Some do not wait for the answer.
      if (caller % 5 === 0) abort.abort(new RangeError("enough"));
      everybody.push(asking);
    }
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  clock.advance(LONGEST_PAUSE);
  await Promise.all(everybody);
  assert.equal(network.mostUnderWay, 1);
  assert.ok(network.dialled.length <= 2 * seconds, `${network.dialled.length}`);
});

Deno.test("ChannelOpener: a new attempt waits until the one that was given up is gone", async () => {
  await using test = new TestManager();
  const { manager, network, relay } = test;
  for (let round = 0; round < 10; round++) {
    const abort = new AbortController();
    const asking = assert.rejects(manager.get(relay.target, abort.signal), /enough/);
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new RangeError("enough"));
    await asking;
  }
  const channel = await manager.get(relay.target);
  assert.equal(channel.closedBy, undefined);
  assert.equal(network.mostUnderWay, 1);
});
