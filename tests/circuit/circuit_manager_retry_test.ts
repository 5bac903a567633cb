import assert from "node:assert/strict";
import { CircuitError, type CircuitErrorCode } from "../../src/circuit/errors.ts";
import { identityOf } from "../path/test_network.ts";
import { settled } from "./test_circuits.ts";
import { MINUTE, SSH, TestManager } from "./test_manager.ts";

const FAILURE = new CircuitError("circuit-timeout", "too slow");

/** Lets every build fail, as they are started, until the manager pauses. */
async function failUntilPause(test: TestManager): Promise<number> {
  let failed = 0;
  for (let builds = test.builder.take(); builds.length > 0; builds = test.builder.take()) {
    for (const build of builds) await build.fail(FAILURE);
    failed += builds.length;
    await settled();
  }
  return failed;
}

/** How many ms pass until a build is started. */
function waitForBuild(test: TestManager): number {
  let waited = 0;
  for (; test.builder.builds.length === 0; waited += 10) {
    assert.ok(waited <= 60_000);
    test.clock.advance(10);
  }
  return waited;
}

Deno.test("CircuitManager: after three failures it waits, longer each time up to 8 s for a stream", async () => {
  await using test = new TestManager();
  test.forecast.wanted = 0;
  const picking = test.pick("a");
  assert.equal(await failUntilPause(test), 4);
  const waits: number[] = [];
  for (let round = 0; round < 6; round++) {
    waits.push(waitForBuild(test));
    assert.equal(await failUntilPause(test), 1);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 8000, 8000]);
  assert.equal(test.manager.statistics().pausesInARow, 7);

  // A success forgets the failures.
  assert.equal(waitForBuild(test), 8000);
  await test.builder.takeOne().succeed(3);
  await picking;
  assert.equal(test.manager.statistics().pausesInARow, 0);
});

Deno.test("CircuitManager: what fails together is one failure, and nobody waits for so long", async () => {
  await using test = new TestManager();
  test.forecast.wanted = 0;
  const picking = Promise.all(Array.from({ length: 20 }, (_, index) => test.pick(`key ${index}`)));
  const builds = test.builder.take();
  assert.equal(builds.length, 20);
  await Promise.all(builds.map((build) => build.fail(FAILURE)));
  await settled();
  // Three failures were free, and others were started in their place.
  for (const build of test.builder.take()) await build.fail(FAILURE);
  assert.equal(test.manager.statistics().pausesInARow, 1);

  assert.equal(waitForBuild(test), 1000);
  // One build is enough to find out; as soon as it succeeds, all have theirs.
  await test.builder.takeOne().succeed(3);
  await settled();
  const rest = test.builder.take();
  assert.equal(rest.length, 19);
  for (const build of rest) await build.succeed(3);
  await picking;
});

Deno.test("CircuitManager: a success ends the pause at once", async () => {
  await using test = new TestManager();
  test.forecast.wanted = 0;
  const picking = Promise.all(["a", "b", "c", "d", "e"].map((key) => test.pick(key)));
  const [slow, ...others] = test.builder.take();
  for (const build of others) await build.fail(FAILURE);
  await settled();
  const pending = test.builder.take();
  for (const build of pending) await build.fail(FAILURE);
  assert.equal(test.manager.statistics().pausesInARow, 1);
  assert.deepEqual(test.builder.take(), []);
  await slow.succeed(3);
  await settled();
  const rest = test.builder.take();
  assert.equal(rest.length, 4);
  for (const build of rest) await build.succeed(3);
  await picking;
});

Deno.test("CircuitManager: a change of the directory ends the pause at once", async () => {
  await using test = new TestManager();
  test.forecast.wanted = 0;
  const picking = test.pick("a");
  await failUntilPause(test);
  test.manager.update();
  await test.builder.takeOne().succeed(3);
  await picking;
});

Deno.test("CircuitManager: without streams the pauses grow to the longest, and a stream shortens one", async () => {
  await using test = new TestManager();
  test.manager.update();
  await failUntilPause(test);
  const waits: number[] = [];
  for (let round = 0; round < 5; round++) {
    waits.push(waitForBuild(test));
    await failUntilPause(test);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000]);
  test.clock.advance(3000);
  const picking = test.pick("a");
  assert.deepEqual(test.builder.take(), []);
  assert.equal(waitForBuild(test), 5000);
  await test.builder.takeOne().succeed(3);
  await picking;
});

Deno.test("CircuitManager: an overdue build gets company that avoids those who may be why", async () => {
  const cases: readonly [number, readonly number[]][] = [
    [0, [1]],
    [1, [1, 2]],
    [2, [2, 3]],
    // It is built, and only waits for better guards.
    [3, []],
  ];
  for (const [hops, numbers] of cases) {
    const late = numbers.map(identityOf);
    await using test = new TestManager();
    test.forecast.wanted = 0;
    const picking = test.pick("a", { avoided: [6] });
    const slow = test.builder.takeOne();
    slow.proceed([1, 2, 3], hops);
    test.clock.advance(1999);
    assert.deepEqual(test.builder.take(), []);
    test.clock.advance(1);
    const company = test.builder.takeOne();
    assert.deepEqual(company.avoided, [...late, identityOf(6)]);
    // Whichever is first serves the stream.
    const { circuit } = await (hops === 1 ? slow : company).succeed(4);
    assert.equal((await picking).circuit, circuit);
  }
});

Deno.test("CircuitManager: a relay that circuits could not be extended to is avoided for a minute", async () => {
  const cases: readonly [number, CircuitErrorCode, readonly number[]][] = [
    // The first hop is the guards' business.
    [0, "circuit-destroyed", []],
    [1, "circuit-destroyed", [2]],
    [2, "circuit-truncated", [3]],
    // What is no relay's word about the next one.
    [2, "circuit-handshake-failed", []],
    [2, "circuit-timeout", []],
  ];
  for (const [hops, code, numbers] of cases) {
    await using test = new TestManager();
    test.forecast.wanted = 0;
    const picking = test.pick("a");
    const first = test.builder.takeOne();
    first.proceed([1, 2, 3], hops);
    await first.fail(new CircuitError(code, "the test says so"));
    const second = test.builder.takeOne();
    assert.deepEqual(second.avoided, numbers.map(identityOf));
    await second.succeed(4);
    await picking;
    test.clock.advance(60_000);
    const later = test.pick("b");
    const third = test.builder.takeOne();
    assert.deepEqual(third.avoided, []);
    await third.succeed(4);
    await later;
  }
});

Deno.test("CircuitManager: the build timeout says when a build is overdue, from 1 to 2 s", async () => {
  for (const [buildTimeout, limit] of [[100, 1000], [1500, 1500], [60_000, 2000]]) {
    await using test = new TestManager();
    test.forecast.wanted = 0;
    test.buildTimeout = buildTimeout;
    const picking = test.pick("a");
    const slow = test.builder.takeOne();
    test.clock.advance(limit - 1);
    assert.deepEqual(test.builder.take(), []);
    test.clock.advance(1);
    const company = test.builder.takeOne();
    // The company has company in its turn.
    test.clock.advance(limit);
    const third = test.builder.takeOne();
    await third.succeed(3);
    await picking;
    await Promise.all([slow, company].map((build) => build.fail(FAILURE)));
  }
});

Deno.test("CircuitManager: builds that no stream waits for get no company", async () => {
  await using test = new TestManager();
  test.manager.update();
  assert.equal(test.builder.take().length, 2);
  test.clock.advance(MINUTE);
  assert.deepEqual(test.builder.take(), []);

  // A stream that comes then does not have to wait for them.
  const picking = test.pick("a");
  await test.builder.takeOne().succeed(3);
  await picking;
});

Deno.test("CircuitManager: while all fails, one build at a time, but overdue ones don't count", async () => {
  await using test = new TestManager();
  test.forecast.wanted = 0;
  const picking = Promise.all(["a", "b", "c"].map((key) => test.pick(key)));
  await failUntilPause(test);
  waitForBuild(test);
  const slow = test.builder.takeOne();
  slow.proceed([1, 2, 3], 0);
  test.clock.advance(1999);
  assert.deepEqual(test.builder.take(), []);
  test.clock.advance(1);
  const next = test.builder.takeOne();
  assert.deepEqual(next.avoided, [identityOf(1)]);
  await next.succeed(3);
  await settled();
  const rest = test.builder.take();
  assert.equal(rest.length, 2);
  for (const build of rest) await build.succeed(3);
  await picking;
});

Deno.test("CircuitManager: company counts for the limit of what is built at once", async () => {
  await using test = new TestManager({ maxPending: 2 });
  test.forecast.wanted = 0;
  const picking = test.pick("a");
  const [first] = test.builder.take();
  test.clock.advance(2000);
  const second = test.builder.takeOne();
  test.clock.advance(2000);
  assert.deepEqual(test.builder.take(), []);
  await first.fail(FAILURE);
  await settled();
  await test.builder.takeOne().succeed(3);
  await picking;
  await second.fail(FAILURE);
});

Deno.test("CircuitManager: for a minute, no request is led to relays that were silent", async () => {
  await using test = new TestManager();
  await test.ready();
  test.forecast.wanted = 0;
  const checking = assert.rejects((await test.pick("a")).check(), { code: "circuit-silent" });
  test.clock.advance(4000);
  await checking;
  const picking = test.pick("b", { target: SSH });
  const build = test.builder.takeOne();
  assert.deepEqual(build.avoided, [identityOf(1)]);
  await build.succeed(5);
  await picking;
  test.clock.advance(MINUTE);
  const later = test.pick("c", { target: SSH });
  const next = test.builder.takeOne();
  assert.deepEqual(next.avoided, []);
  await next.succeed(5);
  await later;
});
