import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { GuardSample } from "../../src/guard/guard_sample.ts";
import { GuardSets } from "../../src/guard/guard_sets.ts";
import { Connectivity } from "../../src/guard/connectivity.ts";
import { guardParameters } from "../../src/guard/guard_parameters.ts";
import type { Clock, Timer } from "../../src/runtime/clock.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import {
  confirmPrimaries,
  loadGuards,
  network,
  OPTIONS,
  primaries,
  select,
  withGuards,
} from "./test_guards.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** One attempt that fails; gives the guard that was tried. */
function fail(guards: GuardSample): RsaIdentity | undefined {
  const choice = guards.selectForTraffic();
  if (choice === undefined) return undefined;
  guards.noteFailure(choice);
  return choice.router.rsaIdentity;
}

const reachabilities = (guards: GuardSample) =>
  guards.primaryGuards().map(({ reachability }) => reachability);
const confirmed = (guards: GuardSample) =>
  guards.statistics().guards.filter((guard) => guard.confirmed).map((guard) => guard.rsaIdentity);

for (const hours of [0.1, 3, 9, 24 * 3]) {
  Deno.test(`after ${hours} hours without a network, the same guards are tried first and used`, () =>
    withGuards(({ guards, clock }) => {
      guards.update(network(clock));
      confirmPrimaries(guards);
      const before = primaries(guards);
      const sampled = guards.statistics().counts.sampled;
      const tried = new Set<RsaIdentity>();
      let attempts = 0;
      for (let passed = 0; passed < hours * HOUR; passed += 30 * SECOND) {
        clock.advance(30 * SECOND);
        const identity = fail(guards);
        if (identity !== undefined) tried.add(identity);
        attempts++;
        if (attempts % 240 === 0) guards.update(network(clock));
      }
      assert.deepEqual(primaries(guards), before);
      assert.deepEqual(confirmed(guards).sort(), [...before].sort());
      // At most those were added that were tried before it was clear that the network is gone.
      assert.ok(guards.statistics().counts.sampled <= sampled + 7);
      clock.advance(30 * SECOND);
      const choice = select(guards);
      assert.ok(before.includes(choice.router.rsaIdentity));
      assert.equal(guards.noteSuccess(choice), "usable");
      guards.noteClosed(choice);
      assert.ok(!reachabilities(guards).includes("no"), "none is blamed for the outage");
      assert.equal(select(guards).router.rsaIdentity, before[0]);
      assert.deepEqual(confirmed(guards).sort(), [...before].sort());
    }));
}

Deno.test("a guard that is tried out when the network returns is neither confirmed nor used", () =>
  withGuards(async ({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const before = primaries(guards);
    // All primary guards fail, and the next guard works.
    for (let attempt = 0; attempt < 3; attempt++) fail(guards);
    const other = select(guards);
    assert.equal(other.usability, "usable-if-no-better-guard");
    assert.equal(guards.noteSuccess(other), "waiting");
    assert.deepEqual(reachabilities(guards), ["maybe", "maybe", "maybe"]);
    const choice = select(guards);
    assert.equal(choice.router.rsaIdentity, before[0]);
    assert.equal(guards.noteSuccess(choice), "usable");
    assert.deepEqual(confirmed(guards).sort(), [...before].sort());
    clock.advance(11 * MINUTE);
    assert.equal(await guards.whenSettled(other), "expired");
  }));

Deno.test("the cells of the first channel after an outage are enough to forgive", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    for (let attempt = 0; attempt < 3; attempt++) fail(guards);
    assert.deepEqual(reachabilities(guards), ["no", "no", "no"]);
    guards.noteInternetConnectivity();
    assert.deepEqual(reachabilities(guards), ["maybe", "maybe", "maybe"]);
  }));

Deno.test("primary guards that fail again after an outage are down, and another guard is used", () =>
  withGuards(async ({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const before = primaries(guards);
    for (let attempt = 0; attempt < 3; attempt++) fail(guards);
    const other = select(guards);
    assert.equal(guards.noteSuccess(other), "waiting");
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.ok(before.includes(fail(guards) ?? other.router.rsaIdentity));
    }
    assert.equal(await guards.whenSettled(other), "usable");
    assert.ok(confirmed(guards).includes(other.router.rsaIdentity));
    // Cells of that circuit do not forgive them again and again.
    guards.noteInternetConnectivity();
    assert.deepEqual(reachabilities(guards), ["no", "no", "no"]);
    clock.advance(10 * MINUTE);
    assert.deepEqual(reachabilities(guards), ["maybe", "maybe", "maybe"]);
    assert.deepEqual(primaries(guards), before);
  }));

Deno.test("one guard that fails while the network is there stays unreachable for ten minutes", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    fail(guards);
    guards.noteInternetConnectivity();
    assert.deepEqual(reachabilities(guards), ["no", "yes", "yes"]);
    clock.advance(10 * MINUTE - 1);
    assert.deepEqual(reachabilities(guards), ["no", "yes", "yes"]);
  }));

Deno.test("while the network is down, another guard is tried every two minutes", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const before = primaries(guards);
    // Enough to find that the network is down.
    for (let attempt = 0; attempt < 8; attempt++) fail(guards);
    const others: number[] = [];
    for (let second = 0; second < 1200; second++) {
      clock.advance(SECOND);
      const identity = fail(guards);
      if (identity !== undefined && !before.includes(identity)) others.push(second);
    }
    assert.ok(others.length >= 9 && others.length <= 10, `${others}`);
    others.reduce((last, next) => {
      assert.ok(next - last >= 120);
      return next;
    }, -Infinity);
  }));

Deno.test("before a guard was ever confirmed, the whole sample is tried as fast as one likes", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const tried = new Set<RsaIdentity>();
    for (let attempt = 0; attempt < 40; attempt++) {
      const identity = fail(guards);
      if (identity !== undefined) tried.add(identity);
    }
    assert.equal(tried.size, 40);
  }));

Deno.test("when the machine says that it has a network again, the primary guards are tried at once", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    for (let attempt = 0; attempt < 5; attempt++) fail(guards);
    guards.noteNetworkBack();
    assert.deepEqual(reachabilities(guards), ["maybe", "maybe", "maybe"]);
    assert.equal(select(guards).router.rsaIdentity, primaries(guards)[0]);
  }));

Deno.test("a network that is said to be back, but is not yet, is forgiven when it is", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    for (let attempt = 0; attempt < 3; attempt++) fail(guards);
    guards.noteNetworkBack();
    for (let attempt = 0; attempt < 3; attempt++) fail(guards);
    guards.noteInternetConnectivity();
    assert.deepEqual(reachabilities(guards), ["maybe", "maybe", "maybe"]);
  }));

Deno.test("a network that comes and goes is forgiven each time", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const before = primaries(guards);
    for (let outage = 0; outage < 5; outage++) {
      for (let attempt = 0; attempt < 3; attempt++) fail(guards);
      clock.advance(20 * SECOND);
      guards.noteInternetConnectivity();
      const choice = select(guards);
      assert.equal(choice.router.rsaIdentity, before[0]);
      guards.noteSuccess(choice);
      guards.noteClosed(choice);
      clock.advance(20 * SECOND);
    }
    assert.ok(!reachabilities(guards).includes("no"));
    assert.deepEqual(confirmed(guards).sort(), [...before].sort());
  }));

Deno.test("an attempt that took hours says nothing of its guard: the machine slept", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const before = guards.primaryGuards();
    const interrupted = [select(guards), select(guards)];
    clock.advance(8 * HOUR);
    for (const choice of interrupted) guards.noteFailure(choice);
    assert.deepEqual(guards.primaryGuards(), before);
    assert.equal(guards.statistics().failures, 0);
  }));

/** A clock whose wall time can jump alone, as on machines whose monotonic clock sleeps with them. */
class SleepyClock implements Clock {
  readonly inner = new FakeClock();
  asleep = 0;

  now(): number {
    return this.inner.now() + this.asleep;
  }

  monotonic(): number {
    return this.inner.monotonic();
  }

  setTimer(callback: () => void, delay: number): Timer {
    return this.inner.setTimer(callback, delay);
  }
}

for (const jump of [5 * HOUR, -5 * HOUR]) {
  Deno.test(`a wall clock that jumps by ${jump / HOUR} hours forgives what failed around it`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      using directory = await DataDirectory.open(folder);
      const clock = new SleepyClock();
      const guards = await loadGuards(directory, clock);
      guards.update(network(clock));
      confirmPrimaries(guards);
      const before = primaries(guards);
      fail(guards);
      const interrupted = select(guards);
      assert.equal(interrupted.router.rsaIdentity, before[1]);
      clock.inner.advance(10 * SECOND);
      clock.asleep += jump;
      clock.inner.advance(10 * SECOND);
      guards.noteFailure(interrupted);
      assert.equal(guards.statistics().failures, 1, "that of before");
      const choice = select(guards);
      assert.equal(choice.router.rsaIdentity, before[0]);
      assert.equal(guards.noteSuccess(choice), "usable");
      assert.deepEqual(primaries(guards), before);
      await guards.close();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a small correction of the clock is no sleep", () => {
  const clock = new SleepyClock();
  const sets = new GuardSets({ name: "default", random: new SeededRandom(1), facts: [] });
  const netDir = network(clock);
  const parameters = guardParameters(netDir, OPTIONS);
  sets.update({ netDir, parameters, passesFilter: () => true }, clock.now());
  const connectivity = new Connectivity(clock, () => sets);
  const began = connectivity.now();
  clock.asleep = 19 * SECOND;
  assert.ok(!connectivity.hasSleptSince(began, connectivity.now()));
  clock.asleep += 21 * SECOND;
  assert.ok(connectivity.hasSleptSince(began, connectivity.now()));
});
