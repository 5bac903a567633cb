import assert from "node:assert/strict";
import { BuildAttempt } from "../../src/circuit/build_attempt.ts";
import type { BuildTimes } from "../../src/circuit/build_times.ts";
import { LogLines } from "../directory/log_lines.ts";
import { type JumpingClock, learnFrom, parameters, withBuildTimes } from "./measured_circuits.ts";

/** A circuit under construction and what it was told. */
class Attempt {
  readonly attempt: BuildAttempt;
  readonly told: string[] = [];

  constructor(
    times: BuildTimes,
    clock: JumpingClock,
    { hops = 3, others = () => true }: { hops?: number; others?: () => boolean } = {},
  ) {
    this.attempt = new BuildAttempt({
      times,
      clock,
      hops,
      anyCircuitOpen: others,
      onTimeout: () => this.told.push(`timeout ${clock.monotonic()}`),
      onClose: () => this.told.push(`close ${clock.monotonic()}`),
    });
  }
}

/** Times with a timeout of 1,000 ms after 100 circuits that all took that long. */
async function learned(load: () => Promise<BuildTimes>, clock: JumpingClock): Promise<BuildTimes> {
  const times = await load();
  times.noteNetworkAlive();
  for (let n = 0; n < 100; n++) times.noteBuilt(1000, false);
  assert.equal(times.timeout, 1000);
  assert.equal(times.closeTimeout, 60_000);
  await times.close();
  assert.equal(clock.pendingTimers, 0);
  return times;
}

Deno.test("BuildAttempt: a circuit in time is recorded at its third hop, and no timer is left", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await load();
    const { attempt, told } = new Attempt(times, clock);
    // Waiting for a channel takes no time of the circuit's.
    clock.advance(500_000);
    attempt.noteCreateSent();
    for (const wait of [100, 200]) {
      clock.advance(wait);
      attempt.noteHop();
      assert.equal(times.statistics().total, 0);
    }
    clock.advance(300);
    attempt.noteHop();
    assert.equal(attempt.isMeasurementOnly, false);
    assert.equal(clock.pendingTimers, 0);
    assert.deepEqual(told, []);
    await times.close();
    const again = await load();
    assert.equal(again.statistics().total, 1);
  }));

Deno.test("BuildAttempt: the launch counts for the time until the next circuit for measuring", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await load();
    assert.equal(times.testCircuitDelay(0), 0);
    new Attempt(times, clock);
    assert.equal(times.testCircuitDelay(1), 10_000);
  }));

Deno.test("BuildAttempt: before anything was learned a late circuit is closed and not counted", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await load();
    times.noteNetworkAlive();
    const { attempt, told } = new Attempt(times, clock);
    attempt.noteCreateSent();
    clock.advance(1000);
    attempt.noteHop();
    clock.advance(58_999);
    assert.deepEqual(told, []);
    clock.advance(1);
    assert.deepEqual(told, ["close 60000"]);
    assert.equal(attempt.isMeasurementOnly, false);
    assert.equal(times.statistics().total, 0);
    assert.equal(clock.pendingTimers, 0);
  }));

Deno.test("BuildAttempt: a slow circuit is measured on, and recorded when it is built after all", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    const { attempt, told } = new Attempt(times, clock);
    attempt.noteCreateSent();
    clock.advance(900);
    attempt.noteHop();
    clock.advance(100);
    assert.deepEqual(told, ["timeout 1000"]);
    assert.equal(attempt.isMeasurementOnly, true);
    clock.advance(1000);
    attempt.noteHop();
    clock.advance(1000);
    attempt.noteHop();
    assert.deepEqual(told, ["timeout 1000"]);
    assert.equal(clock.pendingTimers, 0);
    const { total, abandoned, timeoutRate } = times.statistics();
    assert.deepEqual([total, abandoned, timeoutRate], [101, 0, 1 / 101]);
    // The longest time that was seen is now 3,000 ms, which is no cap any more.
    assert.ok(times.timeout > 1000);
    await times.close();
  }));

Deno.test("BuildAttempt: a circuit that stays silent is abandoned and closed at the close timeout", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    const { attempt, told } = new Attempt(times, clock);
    attempt.noteCreateSent();
    clock.advance(500);
    times.noteNetworkAlive();
    attempt.noteHop();
    clock.advance(100_000);
    assert.deepEqual(told, ["timeout 1000", "close 60000"]);
    const { total, abandoned, closeRate } = times.statistics();
    assert.deepEqual([total, abandoned, closeRate], [101, 1, 1 / 101]);
    assert.equal(clock.pendingTimers, 0);
    await times.close();
  }));

Deno.test("BuildAttempt: without a word from the network since its launch it is not counted", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    clock.advance(1);
    const { attempt, told } = new Attempt(times, clock);
    attempt.noteCreateSent();
    clock.advance(100_000);
    assert.deepEqual(told, ["timeout 1001", "close 60001"]);
    assert.equal(times.statistics().total, 100);
  }));

Deno.test("BuildAttempt: while no circuit is open a late one stays usable; its timeout counts once", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    const { attempt, told } = new Attempt(times, clock, { others: () => false });
    attempt.noteCreateSent();
    clock.advance(500);
    attempt.noteHop();
    clock.advance(40_000);
    assert.deepEqual(told, []);
    assert.equal(times.statistics().timeoutRate, 1 / 101);
    attempt.noteHop();
    attempt.noteHop();
    assert.equal(attempt.isMeasurementOnly, false);
    assert.equal(clock.pendingTimers, 0);
    assert.equal(times.statistics().total, 101);
    await times.close();
  }));

Deno.test("BuildAttempt: a late circuit is too slow within a second after another one is open", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    let isOpen = false;
    const late = new Attempt(times, clock, { others: () => isOpen });
    const last = new Attempt(times, clock, { others: () => isOpen });
    late.attempt.noteCreateSent();
    last.attempt.noteCreateSent();
    clock.advance(20_300);
    last.attempt.noteHop();
    last.attempt.noteHop();
    isOpen = true;
    // One is found late as it completes, the other at the next look.
    last.attempt.noteHop();
    assert.deepEqual(last.told, ["timeout 20300"]);
    assert.equal(last.attempt.isMeasurementOnly, true);
    clock.advance(1000);
    assert.deepEqual(late.told, ["timeout 21000"]);
    late.attempt.end();
    assert.equal(clock.pendingTimers, 0);
    await times.close();
  }));

Deno.test("BuildAttempt: with no circuit open until the close timeout it is closed, and counted", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    const { attempt, told } = new Attempt(times, clock, { others: () => false });
    attempt.noteCreateSent();
    clock.advance(100);
    times.noteNetworkAlive();
    clock.advance(60_000);
    assert.deepEqual(told, ["timeout 60000", "close 60000"]);
    assert.equal(times.statistics().abandoned, 1);
    assert.equal(times.statistics().timeoutRate, 1 / 101);
    await times.close();
  }));

Deno.test("BuildAttempt: a sleep of the machine or a clock that was set makes no build time", () =>
  withBuildTimes(async ({ load, clock }) => {
    await using log = await LogLines.collect();
    const times = await learned(load, clock);
    // Forwards by more than twice the close timeout and a second, and backwards.
    for (const jump of [121_001, -200_000]) {
      const built = new Attempt(times, clock);
      const silent = new Attempt(times, clock);
      built.attempt.noteCreateSent();
      silent.attempt.noteCreateSent();
      clock.advance(500);
      times.noteNetworkAlive();
      clock.jumped += jump;
      for (let hop = 0; hop < 3; hop++) built.attempt.noteHop();
      clock.advance(100_000);
      assert.equal(silent.told.length, 2);
      assert.equal(times.statistics().total, 100);
    }
    assert.equal(log.count("the clock has probably jumped"), 4);
    // Below that it can be a slow circuit.
    const slow = new Attempt(times, clock);
    slow.attempt.noteCreateSent();
    clock.jumped += 120_000;
    for (let hop = 0; hop < 3; hop++) slow.attempt.noteHop();
    assert.equal(times.statistics().total, 101);
    await times.close();
  }));

Deno.test("BuildAttempt: nothing is counted of a circuit that failed, and no timer stays", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    const { attempt, told } = new Attempt(times, clock);
    attempt.noteCreateSent();
    attempt.noteHop();
    attempt.noteHop();
    attempt.end();
    attempt.end();
    assert.equal(clock.pendingTimers, 0);
    // What still arrives for it changes nothing.
    attempt.noteHop();
    const unsent = new Attempt(times, clock);
    unsent.attempt.end();
    unsent.attempt.noteCreateSent();
    assert.equal(clock.pendingTimers, 0);
    clock.advance(100_000);
    assert.deepEqual(told, []);
    assert.deepEqual(unsent.told, []);
    assert.equal(times.statistics().total, 100);
  }));

Deno.test("BuildAttempt: a longer circuit gets more time, and its first three hops are counted once", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    const { attempt, told } = new Attempt(times, clock, { hops: 4 });
    attempt.noteCreateSent();
    for (let hop = 0; hop < 3; hop++) {
      clock.advance(300);
      attempt.noteHop();
    }
    assert.equal(times.statistics().total, 101);
    // 1,000 ms times 10 crossings over 6, and a second more.
    clock.advance(2666 - 900);
    assert.deepEqual(told, []);
    clock.advance(1);
    assert.equal(told.length, 1);
    assert.match(told[0], /^close 2666\.6/);
    assert.equal(times.statistics().total, 101);
    await times.close();
  }));

Deno.test("BuildAttempt: a circuit of one hop is not measured, only closed at the timeout", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    const fast = new Attempt(times, clock, { hops: 1 });
    const slow = new Attempt(times, clock, { hops: 1 });
    fast.attempt.noteCreateSent();
    slow.attempt.noteCreateSent();
    fast.attempt.noteHop();
    clock.advance(1000);
    assert.deepEqual(fast.told, []);
    assert.deepEqual(slow.told, ["close 1000"]);
    assert.equal(times.statistics().total, 100);
    assert.equal(clock.pendingTimers, 0);
  }));

Deno.test("BuildAttempt: with learning off the fixed time is all there is", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await load({ learnCircuitBuildTimeout: false, circuitBuildTimeout: 5000 });
    const { attempt, told } = new Attempt(times, clock, { others: () => false });
    attempt.noteCreateSent();
    attempt.noteHop();
    clock.advance(10_000);
    assert.deepEqual(told, ["close 5000"]);
  }));

Deno.test("BuildAttempt: what is learned meanwhile counts for circuits that are under construction", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await load({ circuitBuildTimeout: 3000 });
    const longer = new Attempt(times, clock);
    longer.attempt.noteCreateSent();
    const shorter = new Attempt(times, clock);
    shorter.attempt.noteCreateSent();
    // Without an open circuit the network would seem another one: the time doubles.
    for (let n = 0; n < 18; n++) times.noteTimeout(true);
    assert.equal(times.timeout, 6000);
    clock.advance(5999);
    assert.deepEqual(longer.told, []);
    clock.advance(1);
    assert.deepEqual(longer.told, ["close 6000"]);
    const late = new Attempt(times, clock);
    late.attempt.noteCreateSent();
    learnFrom(times, 100);
    clock.advance(4000);
    // Longer than the new timeout, found at its hop.
    late.attempt.noteHop();
    assert.equal(late.attempt.isMeasurementOnly, true);
    late.attempt.end();
    await times.close();
  }));

Deno.test("BuildAttempt: slow networks are found by circuits that time out after their first hop", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    times.updateParameters(parameters({}));
    for (let n = 0; n < 18; n++) {
      const { attempt } = new Attempt(times, clock);
      attempt.noteCreateSent();
      clock.advance(500);
      times.noteNetworkAlive();
      attempt.noteHop();
      assert.equal(times.statistics().source, "learned");
      clock.advance(500);
      attempt.end();
    }
    assert.equal(times.statistics().source, "initial");
    assert.equal(times.timeout, 60_000);
    await times.close();
  }));

Deno.test("BuildAttempt: circuits that do not even reach their first hop show no slow network", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await learned(load, clock);
    for (let n = 0; n < 40; n++) {
      const { attempt, told } = new Attempt(times, clock);
      attempt.noteCreateSent();
      clock.advance(1000);
      assert.equal(told.length, 1);
      attempt.end();
    }
    assert.equal(times.statistics().source, "learned");
    assert.equal(times.statistics().timeoutRate, 40 / 140);
  }));
