import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import type { Circuit } from "../../src/circuit/circuit.ts";
import type { BuiltCircuit } from "../../src/circuit/circuit_builder.ts";
import {
  CircuitManager,
  type CircuitRequest,
  type PickedCircuit,
} from "../../src/circuit/circuit_manager.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { TorStream } from "../../src/stream/tor_stream.ts";
import { GUARD_FLAGS, identityOf, testNetDir } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeBuilder } from "./fake_builder.ts";
import { builtCircuit, NEVER, testHop } from "./relay_end.ts";

const MINUTE = 60_000;
const MAX_DIRTINESS = 10 * MINUTE;
const WEB: ExitTarget = { kind: "name", port: 443 };
const SSH: ExitTarget = { kind: "name", port: 22 };

// Relays 1 and 2 are guard and middle; 3 and 4 exits to the web, 5 an exit to port 22 alone.
const NET_DIR = testNetDir({
  relays: [
    { number: 1 },
    { number: 2 },
    { number: 3, flags: GUARD_FLAGS, exitPolicy: "accept 80,443" },
    { number: 4, flags: GUARD_FLAGS, exitPolicy: "accept 80,443" },
    { number: 5, flags: GUARD_FLAGS, exitPolicy: "accept 22" },
  ],
});

/** A manager that is closed at the end of the test, after which nothing may run. */
class TestManager implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly builder = new FakeBuilder();
  netDir: NetDir | undefined = NET_DIR;
  built = 0;
  readonly manager = new CircuitManager({
    runtime: { clock: this.clock, random: new SeededRandom(1), network: new SystemNetwork() },
    builder: this.builder,
    usableNetDir: () => this.netDir,
    maxDirtiness: MAX_DIRTINESS,
    sweepInterval: 10_000,
    onBuilt: () => this.built++,
  });

  pick(
    isolationKey: string,
    target = WEB,
    excluded: readonly number[] = [],
    signal = NEVER,
  ): Promise<PickedCircuit> {
    const excludedExits = new Set(excluded.map(identityOf));
    const request: CircuitRequest = { target, isolationKey, excludedExits };
    return this.manager.pick(request, signal);
  }

  /** The two circuits that are kept ready. */
  async ready() {
    this.manager.update();
    const built = [];
    for (const build of this.builder.take()) built.push(await build.succeed(3));
    assert.equal(built.length, 2);
    await this.settled();
    return built;
  }

  /** Lets every promise that can settle do so. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close();
    assert.equal(this.clock.pendingTimers, 0);
    assert.deepEqual(this.manager.circuits, []);
  }
}

Deno.test("CircuitManager: nothing is built before the directory is usable", async () => {
  await using test = new TestManager();
  test.netDir = undefined;
  const picking = test.pick("a");
  test.manager.update();
  test.clock.advance(5 * MINUTE);
  await test.settled();
  assert.deepEqual(test.builder.take(), []);

  test.netDir = NET_DIR;
  test.manager.update();
  const builds = test.builder.take();
  assert.ok(builds.length > 0 && builds.every(({ netDir }) => netDir === NET_DIR));
  const { circuit } = await builds[0].succeed(3);
  assert.equal((await picking).circuit, circuit);
  assert.equal(test.built, 1);

  // And if it becomes unusable again, no more is built.
  test.netDir = undefined;
  test.builder.take();
  circuit.close();
  await test.settled();
  test.clock.advance(MINUTE);
  assert.deepEqual(test.builder.take(), []);
});

Deno.test("CircuitManager: two circuits are kept ready, and replaced when used or lost", async () => {
  await using test = new TestManager();
  const [one, two] = await test.ready();
  assert.deepEqual(test.builder.take(), []);
  const picked = await test.pick("a");
  assert.equal(picked.circuit, one.circuit);
  assert.equal(test.builder.take().length, 1);
  two.circuit.close();
  await test.settled();
  assert.equal(test.builder.take().length, 1);
});

Deno.test("CircuitManager: streams of one isolation share a circuit, others never", async () => {
  await using test = new TestManager();
  await test.ready();
  const a = await test.pick("a");
  const b = await test.pick("b");
  assert.notEqual(a.circuit, b.circuit);
  assert.equal((await test.pick("a")).circuit, a.circuit);
  assert.equal((await test.pick("b")).circuit, b.circuit);
  const picking = test.pick("c");
  let picked = false;
  picking.then(() => picked = true);
  await test.settled();
  assert.equal(picked, false);
  for (const build of test.builder.take()) await build.succeed(4);
  const c = await picking;
  assert.ok(c.circuit !== a.circuit && c.circuit !== b.circuit);
});

Deno.test("CircuitManager: many isolations at once, each on a circuit of its own", async () => {
  await using test = new TestManager();
  const keys = Array.from({ length: 60 }, (_, index) => `key ${index % 20}`);
  const picking = keys.map((key) => test.pick(key));
  for (let builds = test.builder.take(); builds.length > 0; builds = test.builder.take()) {
    for (const build of builds) await build.succeed(3);
    await test.settled();
  }
  const owners = new Map<unknown, string>();
  for (const [index, { circuit }] of (await Promise.all(picking)).entries()) {
    const owner = owners.get(circuit) ?? keys[index];
    assert.equal(owner, keys[index]);
    owners.set(circuit, owner);
  }
  assert.equal(owners.size, 20);
});

Deno.test("CircuitManager: at most 32 circuits are built at once", async () => {
  await using test = new TestManager();
  const picking = Array.from({ length: 50 }, (_, index) => test.pick(`key ${index}`));
  assert.equal(test.builder.builds.length, 32);
  const settled = Promise.allSettled(picking);
  await test.manager.close();
  await settled;
});

Deno.test("CircuitManager: a target that no ready exit serves has a circuit built", async () => {
  await using test = new TestManager();
  await test.ready();
  const picking = test.pick("a", SSH);
  const [build] = test.builder.take();
  assert.deepEqual(build.target, SSH);
  await build.succeed(5);
  assert.equal((await picking).exit.rsaIdentity, identityOf(5));
  // Its exit does not serve the web, so that streams of the same isolation take another.
  const web = await test.pick("a");
  assert.equal(web.exit.rsaIdentity, identityOf(3));
});

Deno.test("CircuitManager: exits that were tried in vain are left out", async () => {
  await using test = new TestManager();
  await test.ready();
  const picking = test.pick("a", WEB, [3]);
  const [build] = test.builder.take();
  assert.deepEqual([build.target, build.excluded], [WEB, [identityOf(3)]]);
  await build.succeed(4);
  assert.equal((await picking).exit.rsaIdentity, identityOf(4));
});

Deno.test("CircuitManager: a circuit takes new streams for MaxCircuitDirtiness after its first", async () => {
  await using test = new TestManager();
  await test.ready();
  test.clock.advance(5 * MINUTE);
  const first = await test.pick("a");
  const stream = TorStream.begin(first.circuit, RelayCommand.BEGIN_DIR);
  test.clock.advance(MAX_DIRTINESS - 1);
  assert.equal((await test.pick("a")).circuit, first.circuit);
  test.clock.advance(1);
  const second = await test.pick("a");
  assert.notEqual(second.circuit, first.circuit);
  // The old one lives on for its stream, and ends with it.
  test.clock.advance(MINUTE);
  assert.equal(first.circuit.closedBy?.code, undefined);
  stream.close();
  assert.equal(first.circuit.closedBy?.code, "circuit-closed");
});

Deno.test("CircuitManager: a used circuit without streams is closed when it is old", async () => {
  await using test = new TestManager();
  await test.ready();
  const { circuit } = await test.pick("a");
  test.clock.advance(MAX_DIRTINESS - 10_000);
  assert.equal(circuit.closedBy?.code, undefined);
  test.clock.advance(20_000);
  assert.equal(circuit.closedBy?.code, "circuit-closed");
});

Deno.test("CircuitManager: a circuit that is never used is closed after 30 to 60 minutes", async () => {
  await using test = new TestManager();
  const built = await test.ready();
  test.clock.advance(30 * MINUTE - 10_000);
  assert.ok(built.every(({ circuit }) => circuit.closedBy === undefined));
  test.clock.advance(30 * MINUTE + 20_000);
  assert.ok(built.every(({ circuit }) => circuit.closedBy !== undefined));
});

Deno.test("CircuitManager: a retired circuit takes no new streams and ends with its last", async () => {
  await using test = new TestManager();
  await test.ready();
  const picked = await test.pick("a");
  const streams = [1, 2].map(() => TorStream.begin(picked.circuit, RelayCommand.BEGIN_DIR));
  picked.retire();
  assert.notEqual((await test.pick("a")).circuit, picked.circuit);
  streams[0].close();
  assert.equal(picked.circuit.closedBy?.code, undefined);
  streams[1].close();
  assert.equal(picked.circuit.closedBy?.code, "circuit-closed");

  const idle = await test.pick("a");
  idle.retire();
  assert.equal(idle.circuit.closedBy?.code, "circuit-closed");
});

Deno.test("CircuitManager: after three failures it waits, longer each time up to 10 s", async () => {
  await using test = new TestManager();
  const picking = test.pick("a");
  picking.catch(() => {});
  const failure = new CircuitError("circuit-timeout", "too slow");
  const waits: number[] = [];
  for (let round = 0; round < 8; round++) {
    let waited = 0;
    while (test.builder.builds.length === 0) {
      test.clock.advance(10);
      waited += 10;
      assert.ok(waited <= 10_000);
    }
    waits.push(waited);
    for (const build of test.builder.take()) await build.fail(failure);
    await test.settled();
  }
  // The first three builds are free; each round of the others fails three times.
  assert.equal(waits[0], 0);
  assert.ok(waits[2] <= 1000 && waits[7] >= 5000, `${waits}`);

  // A success forgets the failures.
  test.clock.advance(10_000);
  for (const build of test.builder.take()) await build.succeed(3);
  await picking;
});

Deno.test("CircuitManager: a request that no exit serves is refused, others are not", async () => {
  await using test = new TestManager();
  await test.ready();
  const ssh = test.pick("a", SSH);
  const [build] = test.builder.take();
  const refused = assert.rejects(ssh, { code: "no-exit" });
  await build.fail(new CircuitError("no-exit", "none"));
  await refused;
  // That is no reason to wait.
  const other = test.pick("b", SSH);
  assert.equal(test.builder.builds.length, 1);
  await test.builder.take()[0].succeed(5);
  await other;
});

Deno.test("CircuitManager: a request is given up by its signal; its circuit serves others", async () => {
  await using test = new TestManager();
  const abort = new AbortController();
  const picking = test.pick("a", WEB, [], abort.signal);
  abort.abort(new RangeError("enough"));
  await assert.rejects(picking, /enough/);
  assert.throws(() => test.pick("a", WEB, [], abort.signal), /enough/);
  const [first] = test.builder.take();
  const { circuit } = await first.succeed(3);
  assert.equal((await test.pick("b")).circuit, circuit);
});

Deno.test("CircuitManager: circuits of one hop are closed with it", async () => {
  const test = new TestManager();
  const { circuit } = await builtCircuit(1);
  test.builder.oneHops.push(Promise.resolve(circuit));
  const target = { hostname: "10.0.0.1", port: 9001, rsaIdentity: testHop(0).rsaIdentity };
  assert.equal(await test.manager.oneHop(target, NEVER), circuit);
  await test.manager.close();
  assert.equal(circuit.closedBy?.code, "circuit-closed");
});

Deno.test("CircuitManager: close rejects who waits and gives up what is built", async () => {
  const test = new TestManager();
  const ready = await test.ready();
  const picking = test.pick("a", SSH);
  const [build] = test.builder.take();
  const refused = assert.rejects(picking, { code: "circuit-closed" });
  await test.manager.close();
  await refused;
  assert.equal(build.signal.aborted, true);
  assert.ok(ready.every(({ circuit }) => circuit.closedBy !== undefined));
  test.manager.update();
  await test.settled();
  assert.deepEqual(test.builder.take(), []);
  assert.throws(() => test.pick("a"), { code: "circuit-closed" });
  assert.equal(test.clock.pendingTimers, 0);
});

Deno.test("CircuitManager: a circuit that is ready at the moment of close is closed too", async () => {
  const clock = new FakeClock();
  const building = Promise.withResolvers<BuiltCircuit>();
  const oneHopping = Promise.withResolvers<Circuit>();
  const manager = new CircuitManager({
    runtime: { clock, random: new SeededRandom(1), network: new SystemNetwork() },
    builder: { build: () => building.promise, oneHop: () => oneHopping.promise },
    usableNetDir: () => NET_DIR,
    maxDirtiness: MAX_DIRTINESS,
    sweepInterval: 10_000,
  });
  manager.update();
  const target = { hostname: "10.0.0.1", port: 9001, rsaIdentity: testHop(0).rsaIdentity };
  const asking = assert.rejects(manager.oneHop(target, NEVER), { code: "circuit-closed" });
  const { circuit } = await builtCircuit();
  const { circuit: oneHop } = await builtCircuit(1);
  const [guard, middle, exit] = NET_DIR.relays;
  building.resolve({ circuit, guard, middle, exit });
  oneHopping.resolve(oneHop);
  await manager.close();
  await asking;
  assert.deepEqual([circuit, oneHop].map(({ closedBy }) => closedBy?.code), [
    "circuit-closed",
    "circuit-closed",
  ]);
  assert.deepEqual([manager.circuits, clock.pendingTimers], [[], 0]);
});
