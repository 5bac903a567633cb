import assert from "node:assert/strict";
import type { GuardChange } from "../../src/guard/guard_events.ts";
import { network, primaries, select, withGuards } from "./test_guards.ts";

const MINUTE = 60_000;

Deno.test("the statistics count guards by state, and what happened to each", () =>
  withGuards(({ guards, clock }) => {
    const empty = guards.statistics();
    assert.equal(empty.counts.sampled, 0);
    assert.equal(empty.lastPrimaryChange, undefined);
    guards.update(network(clock));
    const began = clock.now();
    const [first, second] = primaries(guards);
    clock.advance(MINUTE);
    const worked = select(guards);
    guards.noteSuccess(worked);
    clock.advance(MINUTE);
    guards.noteFailure(select(guards));
    guards.noteSuccess(select(guards));
    const { selection, counts, successes, failures, lastPrimaryChange, guards: reports } = guards
      .statistics();
    assert.equal(selection, "default");
    assert.deepEqual(counts, {
      sampled: 20,
      filtered: 20,
      confirmed: 2,
      primary: 3,
      usable: 19,
      unreachable: 1,
      pending: 0,
    });
    assert.deepEqual([successes, failures], [2, 1]);
    assert.deepEqual(lastPrimaryChange, { time: began, reason: "a network is known now" });
    const [one, two] = reports;
    assert.deepEqual([one.rsaIdentity, two.rsaIdentity], [first, second]);
    assert.deepEqual(
      [one.successes, one.failures, one.lastSuccess, one.lastFailure, one.reachability],
      [1, 1, began + MINUTE, began + 2 * MINUTE, "no"],
    );
    assert.ok(one.confirmed && one.primary && one.filtered && !one.disabled && !one.pending);
    assert.deepEqual([two.successes, two.failures, two.reachability], [1, 0, "yes"]);
  }));

Deno.test("changes are told once each, until one stops listening", () =>
  withGuards(({ guards, clock }) => {
    const changes: GuardChange[] = [];
    const stop = guards.onChange((change) => changes.push(change));
    guards.update(network(clock));
    guards.update(network(clock));
    const [first] = primaries(guards);
    guards.noteSuccess(select(guards));
    guards.noteSuccess(select(guards));
    guards.noteFailure(select(guards));
    guards.update(network(clock, (identity) => identity === first ? undefined : {}));
    stop();
    guards.update(network(clock));
    assert.deepEqual(changes, [
      { kind: "primary-guards", reason: "a network is known now" },
      { kind: "reachability", rsaIdentity: first, reachability: "yes" },
      { kind: "reachability", rsaIdentity: first, reachability: "no" },
      { kind: "primary-guards", reason: "one left because it is not listed any more" },
    ]);
    assert.equal(
      guards.statistics().lastPrimaryChange?.reason,
      "one left because a guard that was used before took its place",
    );
  }));
