import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import type { Circuit } from "../../src/circuit/circuit.ts";
import type { BuiltCircuit } from "../../src/circuit/circuit_builder.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { TorStream } from "../../src/stream/tor_stream.ts";
import { identityOf } from "../path/test_network.ts";
import { builtCircuit, NEVER, testHop } from "./relay_end.ts";
import { settled, testCircuit } from "./test_circuits.ts";
import {
  AHEAD,
  MAX_DIRTINESS,
  MINUTE,
  NET_DIR,
  SSH,
  TestManager,
  UNUSED_TIMEOUT,
  WEB,
} from "./test_manager.ts";

const EXIT = 2;
const ONE_HOP = { hostname: "10.0.0.1", port: 9001, rsaIdentity: testHop(0).rsaIdentity };

Deno.test("CircuitManager: nothing is built before the directory is usable", async () => {
  await using test = new TestManager();
  test.netDir = undefined;
  const picking = test.pick("a");
  test.manager.update();
  test.clock.advance(5 * MINUTE);
  await settled();
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
  await settled();
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
  await settled();
  assert.equal(test.builder.take().length, 1);
});

Deno.test("CircuitManager: the forecast hears what is asked for and what is built ahead", async () => {
  await using test = new TestManager();
  await test.ready();
  const exit = identityOf(3);
  assert.deepEqual(
    test.forecast.built.map(({ target, exit }) => [target, exit?.rsaIdentity]),
    [[AHEAD, exit], [AHEAD, exit]],
  );
  const picking = test.pick("a", { target: SSH });
  assert.deepEqual(test.forecast.used, [SSH]);
  await test.builder.takeOne().succeed(5);
  await picking;
  // What was built for a stream is no news for the forecast.
  assert.equal(test.forecast.built.length, 2);
});

Deno.test("CircuitManager: the forecast is asked again when it says so", async () => {
  await using test = new TestManager();
  await test.ready();
  test.forecast.delay = 3000;
  test.manager.update();
  const { asked } = test.forecast;
  test.clock.advance(2999);
  assert.equal(test.forecast.asked, asked);
  test.forecast.wanted = 3;
  test.clock.advance(1);
  assert.equal(test.forecast.asked, asked + 2);
  assert.deepEqual(test.builder.takeOne().target, AHEAD);
});

Deno.test("CircuitManager: nothing is built ahead while the forecast wants nothing", async () => {
  await using test = new TestManager();
  test.forecast.wanted = 0;
  test.manager.update();
  test.clock.advance(5 * MINUTE);
  assert.deepEqual(test.builder.take(), []);
  // A stream has its circuit all the same.
  const picking = test.pick("a");
  await test.builder.takeOne().succeed(3);
  await picking;
  assert.deepEqual(test.builder.take(), []);
  // And the client that wakes has its circuits built at once.
  test.forecast.wanted = 2;
  test.manager.update();
  assert.equal(test.builder.take().length, 2);
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
  await settled();
  assert.equal(picked, false);
  for (const build of test.builder.take()) await build.succeed(4);
  const c = await picking;
  assert.ok(c.circuit !== a.circuit && c.circuit !== b.circuit);
});

Deno.test("CircuitManager: 200 isolations at once, each on a circuit of its own", async () => {
  await using test = new TestManager();
  const keys = Array.from({ length: 400 }, (_, index) => `key ${index % 200}`);
  const picking = keys.map((key) => test.pick(key));
  for (let builds = test.builder.take(); builds.length > 0; builds = test.builder.take()) {
    for (const build of builds) await build.succeed(3);
    await settled();
  }
  const owners = new Map<unknown, string>();
  for (const [index, { circuit }] of (await Promise.all(picking)).entries()) {
    const owner = owners.get(circuit) ?? keys[index];
    assert.equal(owner, keys[index]);
    owners.set(circuit, owner);
  }
  assert.equal(owners.size, 200);
});

Deno.test("CircuitManager: so many circuits are built at once as may be", async () => {
  await using test = new TestManager({ maxPending: 7 });
  const picking = Array.from({ length: 50 }, (_, index) => test.pick(`key ${index}`));
  assert.equal(test.builder.builds.length, 7);
  assert.equal(test.manager.statistics().building, 7);
  const all = Promise.allSettled(picking);
  await test.manager.close();
  await all;
});

Deno.test("CircuitManager: a target that no ready exit serves has a circuit built", async () => {
  await using test = new TestManager();
  await test.ready();
  const picking = test.pick("a", { target: SSH });
  const build = test.builder.takeOne();
  assert.deepEqual(build.target, SSH);
  assert.equal(build.anyCircuitOpen(), true);
  await build.succeed(5);
  assert.equal((await picking).exit.rsaIdentity, identityOf(5));
  // Its exit does not serve the web, so that streams of the same isolation take another.
  const web = await test.pick("a");
  assert.equal(web.exit.rsaIdentity, identityOf(3));
});

Deno.test("CircuitManager: exits that were tried in vain are left out", async () => {
  await using test = new TestManager();
  await test.ready();
  const picking = test.pick("a", { excluded: [3], avoided: [2] });
  const [build] = test.builder.take();
  assert.deepEqual([build.target, build.excluded, build.avoided], [WEB, [identityOf(3)], [
    identityOf(2),
  ]]);
  await build.succeed(4);
  assert.equal((await picking).exit.rsaIdentity, identityOf(4));
});

Deno.test("CircuitManager: what is picked says who is behind the guard, and counts path bias", async () => {
  await using test = new TestManager();
  const [{ guardChoice }] = await test.ready();
  const { suspects, pathBias } = await test.pick("a");
  assert.deepEqual(suspects(), [identityOf(2), identityOf(3)]);
  assert.equal(pathBias, guardChoice.pathBias);
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

Deno.test("CircuitManager: a circuit that is never used is closed when the forecast says so", async () => {
  await using test = new TestManager();
  const built = await test.ready();
  test.clock.advance(UNUSED_TIMEOUT - 10_000);
  assert.ok(built.every(({ circuit }) => circuit.closedBy === undefined));
  test.clock.advance(20_000);
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

Deno.test("CircuitManager: a silent guard takes all its circuits from new streams, not others'", async () => {
  await using test = new TestManager();
  const [one, two] = await test.ready(1);
  test.forecast.wanted = 3;
  test.manager.update();
  const other = await test.builder.takeOne().succeed(4, 6);
  await settled();
  const picked = await test.pick("a");
  const stream = TorStream.begin(picked.circuit, RelayCommand.BEGIN_DIR);
  const checking = assert.rejects(picked.check(), { code: "circuit-silent" });
  test.clock.advance(4000);
  await checking;
  assert.deepEqual(test.silentGuards, [identityOf(1)]);
  assert.deepEqual(picked.suspects()[0], identityOf(1));
  // The stream may go on when the guard comes back to life; what nobody uses is closed.
  assert.deepEqual(
    [one, two, other].map(({ circuit }) => circuit.closedBy?.code),
    [undefined, "circuit-closed", undefined],
  );
  assert.equal((await test.pick("a")).circuit, other.circuit);
  stream.close();
  assert.equal(one.circuit.closedBy?.code, "circuit-closed");
});

Deno.test("CircuitManager: a check is given 1.5 to 3 s, by the build timeout", async () => {
  for (const [buildTimeout, limit] of [[100, 1500], [2000, 2000], [60_000, 3000]]) {
    await using test = new TestManager();
    test.buildTimeout = buildTimeout;
    await test.ready();
    let failed = false;
    const checking = (await test.pick("a")).check().catch(() => failed = true);
    test.clock.advance(limit - 1);
    await settled();
    assert.equal(failed, false);
    test.clock.advance(1);
    await checking;
    assert.equal(failed, true);
  }
});

Deno.test("CircuitManager: an answered check leaves the circuit in use", async () => {
  await using test = new TestManager();
  const [{ end }] = await test.ready();
  const picked = await test.pick("a");
  const checking = picked.check();
  end.deliver(EXIT, RelayCommand.END, end.takeMessage().streamId, Uint8Array.of(4));
  await checking;
  assert.equal((await test.pick("a")).circuit, picked.circuit);
  assert.deepEqual(test.silentGuards, []);
});

Deno.test("CircuitManager: retireAll takes every open circuit from new streams", async () => {
  await using test = new TestManager();
  const [one, two] = await test.ready();
  const stream = TorStream.begin((await test.pick("a")).circuit, RelayCommand.BEGIN_DIR);
  test.builder.take();
  test.manager.retireAll();
  assert.deepEqual([one.circuit.closedBy?.code, two.circuit.closedBy?.code], [
    undefined,
    "circuit-closed",
  ]);
  await settled();
  const picking = test.pick("a");
  for (const build of test.builder.take()) await build.succeed(3);
  assert.notEqual((await picking).circuit, one.circuit);
  stream.close();
  assert.equal(one.circuit.closedBy?.code, "circuit-closed");
});

Deno.test("CircuitManager: a request that no exit serves is refused, others are not", async () => {
  await using test = new TestManager();
  await test.ready();
  const ssh = test.pick("a", { target: SSH });
  const build = test.builder.takeOne();
  const refused = assert.rejects(ssh, { code: "no-exit" });
  await build.fail(new CircuitError("no-exit", "none"));
  await refused;
  // That is no reason to wait.
  const other = test.pick("b", { target: SSH });
  await test.builder.takeOne().succeed(5);
  await other;
});

Deno.test("CircuitManager: that one request has no exit left says nothing of those that had less", async () => {
  await using test = new TestManager();
  test.forecast.wanted = 0;
  const tried = test.pick("a", { excluded: [3, 4] });
  const fresh = test.pick("b");
  const resolving = test.pick("c", { target: { kind: "resolve" } });
  const worse = test.pick("d", { excluded: [3, 4, 5] });
  const [first, ...others] = test.builder.take();
  const refused = [tried, worse].map((each) => assert.rejects(each, { code: "no-exit" }));
  await first.fail(new CircuitError("no-exit", "none is left"));
  await Promise.all(refused);
  for (const build of others) await build.succeed(3);
  assert.deepEqual(
    (await Promise.all([fresh, resolving])).map(({ exit }) => exit.rsaIdentity),
    [identityOf(3), identityOf(3)],
  );
});

Deno.test("CircuitManager: where nothing can be built ahead, the forecast forgets it", async () => {
  await using test = new TestManager();
  test.manager.update();
  for (const build of test.builder.take()) await build.fail(new CircuitError("no-exit", "none"));
  await settled();
  assert.deepEqual(test.forecast.built[0], { target: AHEAD, exit: undefined });
  assert.deepEqual(test.builder.take(), []);
});

Deno.test("CircuitManager: a request is given up by its signal; its circuit serves others", async () => {
  await using test = new TestManager();
  const abort = new AbortController();
  const picking = test.pick("a", {}, abort.signal);
  abort.abort(new RangeError("enough"));
  await assert.rejects(picking, /enough/);
  assert.throws(() => test.pick("a", {}, abort.signal), /enough/);
  const [first] = test.builder.take();
  const { circuit } = await first.succeed(3);
  assert.equal((await test.pick("b")).circuit, circuit);
});

Deno.test("CircuitManager: statistics count circuits of each kind and who waits", async () => {
  await using test = new TestManager();
  await test.ready();
  const { circuit } = await builtCircuit(1);
  test.builder.oneHops.push(Promise.resolve(circuit));
  await test.manager.oneHop(ONE_HOP, NEVER);
  await test.pick("a");
  const waiting = test.pick("b", { target: SSH });
  assert.deepEqual(test.manager.statistics(), {
    clean: 1,
    used: 1,
    confluxSets: 0,
    confluxQueued: 0,
    building: 2,
    oneHop: 1,
    waitingStreams: 1,
    pausesInARow: 0,
    built: 2,
    failures: new Map(),
  });
  circuit.close();
  await settled();
  assert.equal(test.manager.statistics().oneHop, 0);
  const refused = assert.rejects(waiting, { code: "circuit-closed" });
  await test.manager.close();
  await refused;
});

Deno.test("CircuitManager: circuits of one hop are closed with it", async () => {
  const test = new TestManager();
  const { circuit } = await builtCircuit(1);
  test.builder.oneHops.push(Promise.resolve(circuit));
  assert.equal(await test.manager.oneHop(ONE_HOP, NEVER), circuit);
  await test.manager.close();
  assert.equal(circuit.closedBy?.code, "circuit-closed");
});

Deno.test("CircuitManager: close rejects who waits and gives up what is built", async () => {
  const test = new TestManager();
  const ready = await test.ready();
  const picking = test.pick("a", { target: SSH });
  const build = test.builder.takeOne();
  const refused = assert.rejects(picking, { code: "circuit-closed" });
  await test.manager.close();
  await refused;
  assert.equal(build.signal.aborted, true);
  assert.ok(ready.every(({ circuit }) => circuit.closedBy !== undefined));
  test.manager.update();
  await settled();
  assert.deepEqual(test.builder.take(), []);
  assert.throws(() => test.pick("a"), { code: "circuit-closed" });
  assert.equal(test.clock.pendingTimers, 0);
});

Deno.test("CircuitManager: close waits for circuits that are only measured", async () => {
  const test = new TestManager();
  const { promise, resolve } = Promise.withResolvers<void>();
  test.builder.measuring = promise;
  let isClosed = false;
  const closing = test.manager.close().then(() => isClosed = true);
  await settled();
  assert.equal(isClosed, false);
  resolve();
  await closing;
  assert.equal(test.builder.isClosed, true);
});

Deno.test("CircuitManager: a circuit that is ready at the moment of close is closed too", async () => {
  const building = Promise.withResolvers<BuiltCircuit>();
  const oneHopping = Promise.withResolvers<Circuit>();
  const { manager, clock } = new TestManager({
    builder: {
      build: () => building.promise,
      oneHop: () => oneHopping.promise,
      close: () => Promise.resolve(),
    },
  });
  manager.update();
  const asking = assert.rejects(manager.oneHop(ONE_HOP, NEVER), { code: "circuit-closed" });
  const { built } = await testCircuit(NET_DIR, [1, 2, 3]);
  const { circuit: oneHop } = await builtCircuit(1);
  building.resolve(built);
  oneHopping.resolve(oneHop);
  await manager.close();
  await asking;
  assert.deepEqual([built.circuit, oneHop].map(({ closedBy }) => closedBy?.code), [
    "circuit-closed",
    "circuit-closed",
  ]);
  assert.deepEqual([manager.circuits, clock.pendingTimers], [[], 0]);
});
