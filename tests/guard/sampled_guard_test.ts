import assert from "node:assert/strict";
import { NO_COUNTS } from "../../src/guard/path_bias.ts";
import { SampledGuard } from "../../src/guard/sampled_guard.ts";
import { identityOf } from "../path/test_network.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.UTC(2026, 0, 1);

function guard(confirmedIndex?: number): SampledGuard {
  const guard = new SampledGuard({
    selection: "default",
    rsaIdentity: identityOf(1),
    nickname: "relay1",
    address: "5.1.0.1:9001",
    sampledOn: NOW,
    unlistedSince: undefined,
    confirmed: confirmedIndex === undefined ? undefined : { on: NOW, index: confirmedIndex },
    lastUsed: undefined,
    pathBias: NO_COUNTS,
  });
  guard.isFiltered = true;
  return guard;
}

Deno.test("a guard may be reachable until it fails, and is after a success", () => {
  const subject = guard();
  assert.equal(subject.reachability(NOW), "maybe");
  subject.noteTried(NOW);
  subject.noteFailure(NOW);
  assert.equal(subject.reachability(NOW), "no");
  assert.ok(!subject.isUsable(NOW));
  subject.noteSuccess(NOW);
  assert.equal(subject.reachability(NOW), "yes");
  assert.ok(subject.isUsable(NOW));
  subject.isFiltered = false;
  assert.ok(!subject.isUsable(NOW));
});

Deno.test("the delays until the next try grow with the time that the guard has failed", () => {
  const subject = guard();
  subject.isPrimary = true;
  let now = NOW;
  const failUntilRetried = (): number => {
    subject.noteTried(now);
    subject.noteFailure(now);
    const start = now;
    while (subject.reachability(now) === "no") now += MINUTE;
    return now - start;
  };
  const delays = Array.from({ length: 40 }, failUntilRetried);
  // 36 delays of 10 minutes end six hours after the first failure.
  assert.deepEqual(new Set(delays.slice(0, 36)), new Set([10 * MINUTE]));
  assert.deepEqual(delays.slice(36), Array(4).fill(90 * MINUTE));
  subject.noteSuccess(NOW);
  assert.equal(failUntilRetried(), 10 * MINUTE);
});

Deno.test("a guard that is not primary waits longer", () => {
  const subject = guard();
  subject.noteTried(NOW);
  subject.noteFailure(NOW);
  assert.equal(subject.reachability(NOW + HOUR - 1), "no");
  assert.equal(subject.reachability(NOW + HOUR), "maybe");
});

Deno.test("to be worth a try again does not make a guard forget how long it has failed", () => {
  const subject = guard();
  subject.isPrimary = true;
  subject.noteTried(NOW);
  subject.noteFailure(NOW);
  subject.markMaybeReachable();
  assert.equal(subject.reachability(NOW), "maybe");
  const later = NOW + 7 * HOUR;
  subject.noteTried(later);
  subject.noteFailure(later);
  assert.equal(subject.reachability(later + 89 * MINUTE), "no");
  assert.equal(subject.reachability(later + 90 * MINUTE), "maybe");
});

Deno.test("a guard that works is not made less", () => {
  const subject = guard();
  subject.noteSuccess(NOW);
  subject.markMaybeReachable();
  assert.equal(subject.reachability(NOW), "yes");
});

Deno.test("a clock that is set back does not keep a guard from being tried", () => {
  const subject = guard();
  subject.noteTried(NOW);
  subject.noteFailure(NOW);
  assert.equal(subject.reachability(NOW - 1000 * HOUR), "maybe");
});

Deno.test("priority: confirmed in order of confirmation, then pending in order of trial", () => {
  const first = guard(0);
  const second = guard(1);
  const earlier = guard();
  const later = guard();
  const idle = guard();
  earlier.isPending = true;
  earlier.noteTried(NOW);
  later.isPending = true;
  later.noteTried(NOW + 1);
  const order = [first, second, earlier, later, idle];
  for (const [better, a] of order.entries()) {
    for (const [worse, b] of order.entries()) {
      assert.equal(a.hasHigherPriority(b), better < worse, `${better} over ${worse}`);
    }
  }
  assert.ok(!idle.hasHigherPriority(guard()));
});

Deno.test("failures that are forgiven leave the time since when it failed as it was", () => {
  const subject = guard();
  subject.noteTried(NOW);
  subject.noteFailure(NOW);
  subject.forgive(undefined);
  assert.equal(subject.reachability(NOW), "maybe");
  assert.equal(subject.failingSince, undefined);
  subject.noteFailure(NOW + HOUR);
  assert.equal(subject.failingSince, NOW + HOUR);
  subject.noteFailure(NOW + 2 * HOUR);
  subject.forgive(NOW + HOUR);
  assert.equal(subject.failingSince, NOW + HOUR);
});

Deno.test("a guard remembers how often and when it worked and failed last in this run", () => {
  const subject = guard();
  subject.noteSuccess(NOW);
  subject.noteSuccess(NOW + 1);
  subject.noteFailure(NOW + 2);
  assert.deepEqual(subject.history, {
    successes: 2,
    failures: 1,
    lastSuccess: NOW + 1,
    lastFailure: NOW + 2,
  });
});
