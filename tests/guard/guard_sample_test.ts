import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { GuardChoice } from "../../src/guard/guard_choice.ts";
import type { GuardSample } from "../../src/guard/guard_sample.ts";
import { LogLines } from "../directory/log_lines.ts";
import { identityOf } from "../path/test_network.ts";
import type { FakeClock } from "../runtime/fake_clock.ts";
import {
  confirmPrimaries,
  loadGuards,
  network,
  primaries,
  select,
  withGuards,
} from "./test_guards.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Lets circuits fail until no primary guard is selected any more; gives the first other choice. */
function failPrimaries(guards: GuardSample): GuardChoice {
  for (;;) {
    const choice = select(guards);
    if (choice.usability === "usable-if-no-better-guard") return choice;
    guards.noteFailure(choice);
  }
}

Deno.test("before the first consensus there is no guard", () =>
  withGuards(({ guards, clock }) => {
    assert.deepEqual(guards.primaryGuards(), []);
    assert.equal(guards.selectForTraffic(), undefined);
    assert.equal(guards.selectForDirectory(), undefined);
    assert.deepEqual(guards.missingPrimaryMicrodescriptors(network(clock)), []);
  }));

Deno.test("circuits start at the first primary guard and may be used when they are built", () =>
  withGuards(async ({ guards, clock }) => {
    const netDir = network(clock);
    guards.update(netDir);
    const [first] = primaries(guards);
    for (let circuit = 0; circuit < 20; circuit++) {
      const choice = guards.selectForTraffic();
      assert.ok(choice !== undefined);
      assert.equal(choice.relay, netDir.relay(first));
      assert.equal(choice.router, netDir.listed(first));
      assert.equal(choice.usability, "usable-on-completion");
      assert.equal(guards.noteSuccess(choice), "usable");
      assert.equal(await guards.whenSettled(choice), "usable");
      guards.noteClosed(choice);
      assert.equal(await guards.whenSettled(choice), "expired");
    }
    assert.deepEqual(guards.primaryGuards()[0].confirmed, true);
    assert.deepEqual(guards.primaryGuards()[0].reachability, "yes");
  }));

Deno.test("as many primary guards are used as the consensus says, each as often as the others", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock, undefined, { "guard-n-primary-guards-to-use": 2 }));
    const counts = new Map<RsaIdentity, number>();
    for (let circuit = 0; circuit < 400; circuit++) {
      const { rsaIdentity } = select(guards).router;
      counts.set(rsaIdentity, (counts.get(rsaIdentity) ?? 0) + 1);
    }
    assert.deepEqual([...counts.keys()].sort(), primaries(guards).slice(0, 2).sort());
    for (const count of counts.values()) assert.ok(count > 150, `${count}`);
  }));

Deno.test("directories are asked through all three primary guards, with or without microdescriptors", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock, () => ({ isUnknown: true })));
    const used = new Set<RsaIdentity>();
    for (let request = 0; request < 100; request++) {
      const choice = guards.selectForDirectory();
      assert.ok(choice !== undefined);
      assert.equal(choice.relay, undefined);
      used.add(choice.router.rsaIdentity);
      assert.equal(guards.noteSuccess(choice), "usable");
      guards.noteClosed(choice);
    }
    assert.deepEqual([...used].sort(), primaries(guards).sort());
  }));

Deno.test("a directory request that a guard cannot serve goes to another primary guard", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const [first, second, third] = primaries(guards);
    const choice = guards.selectForDirectory(({ rsaIdentity }) =>
      rsaIdentity === first || rsaIdentity === second
    );
    assert.equal(choice?.router.rsaIdentity, third);
  }));

Deno.test("circuits for traffic need the guard's microdescriptor", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const [first, second] = primaries(guards);
    guards.update(network(clock, (identity) => ({ isUnknown: identity === first })));
    assert.equal(select(guards).router.rsaIdentity, second);
  }));

Deno.test("the exit and its family are no guard, but another primary guard is only used for that", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const [first, second, third] = primaries(guards);
    assert.equal(select(guards, first).router.rsaIdentity, second);
    assert.equal(select(guards, first, second).router.rsaIdentity, third);
    const other = select(guards, first, second, third);
    assert.equal(other.usability, "usable-if-no-better-guard");
    assert.ok(!primaries(guards).includes(other.router.rsaIdentity));
  }));

Deno.test("a primary guard that is excluded counts as one of those that may be used", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock, undefined, { "guard-n-primary-guards-to-use": 2 }));
    const [first, second] = primaries(guards);
    const used = new Set<RsaIdentity>();
    for (let circuit = 0; circuit < 50; circuit++) {
      used.add(select(guards, first).router.rsaIdentity);
    }
    assert.deepEqual([...used], [second]);
  }));

Deno.test("a primary guard that fails is passed over for ten minutes", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const [first, second] = primaries(guards);
    guards.noteFailure(select(guards));
    assert.equal(guards.primaryGuards()[0].reachability, "no");
    clock.advance(10 * MINUTE - 1);
    assert.equal(select(guards).router.rsaIdentity, second);
    clock.advance(1);
    assert.equal(select(guards).router.rsaIdentity, first);
    assert.deepEqual(primaries(guards)[0], first);
  }));

Deno.test("a circuit that is closed without a failure is blamed on nobody", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const [first] = primaries(guards);
    guards.noteClosed(select(guards));
    assert.equal(select(guards).router.rsaIdentity, first);
    const worked = select(guards);
    guards.noteSuccess(worked);
    guards.noteFailure(worked);
    assert.equal(guards.primaryGuards()[0].reachability, "yes");
    // The choice is closed, so nothing more is learnt from it.
    guards.noteFailure(worked);
    assert.equal(guards.noteSuccess(worked), "never");
  }));

Deno.test("when all primary guards fail, others are tried one circuit each, in order", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const before = primaries(guards);
    const fourth = failPrimaries(guards);
    const fifth = select(guards);
    assert.equal(fifth.usability, "usable-if-no-better-guard");
    assert.notEqual(fourth.router, fifth.router);
    assert.ok(![fourth, fifth].some(({ router }) => before.includes(router.rsaIdentity)));
    // An attempt that is given up leaves the guard free for the next one.
    guards.noteClosed(fourth);
    assert.equal(select(guards).router, fourth.router);
    assert.deepEqual(primaries(guards), before);
  }));

Deno.test("a confirmed guard is tried before others that were sampled earlier", () =>
  withGuards(async ({ guards, clock }) => {
    guards.update(network(clock, undefined, { "guard-n-primary-guards": 1 }));
    const second = failPrimaries(guards);
    const third = select(guards);
    guards.noteClosed(second);
    assert.equal(guards.noteSuccess(third), "waiting", "for the primary guard's second chance");
    guards.noteFailure(select(guards));
    assert.equal(await guards.whenSettled(third), "usable");
    assert.deepEqual(primaries(guards), [third.router.rsaIdentity], "confirmed, and so primary");
    guards.noteFailure(select(guards));
    guards.noteClosed(third);
    assert.deepEqual(primaries(guards), [third.router.rsaIdentity]);
    // The first primary guard was never confirmed: it is nothing special any more.
    assert.equal(select(guards).router, second.router);
  }));

/**
 * As {@link failPrimaries}, with guards that are confirmed and worked a moment ago, and that fail
 * although the network is there.
 */
function failConfirmedPrimaries(guards: GuardSample, clock: FakeClock): GuardChoice {
  guards.update(network(clock));
  confirmPrimaries(guards);
  guards.noteClosed(failPrimaries(guards));
  guards.noteInternetConnectivity();
  return failPrimaries(guards);
}

Deno.test("with all primary guards down, a circuit through the next guard may be used at once", () =>
  withGuards(async ({ guards, clock }) => {
    const choice = failConfirmedPrimaries(guards, clock);
    assert.equal(guards.noteSuccess(choice), "usable");
    assert.equal(await guards.whenSettled(choice), "usable");
  }));

Deno.test("a circuit waits for that of a better guard, but no longer than 15 seconds", () =>
  withGuards(async ({ guards, clock }) => {
    const [, worse] = twoConfirmedChoices(guards, clock);
    assert.equal(guards.noteSuccess(worse), "waiting");
    let outcome: string | undefined;
    const settled = guards.whenSettled(worse).then((value) => outcome = value);
    clock.advance(14_000);
    await Promise.resolve();
    assert.equal(outcome, undefined);
    clock.advance(1000);
    await settled;
    assert.equal(outcome, "usable");
  }));

Deno.test("a circuit waits no more when that of the better guard fails", () =>
  withGuards(async ({ guards, clock }) => {
    const [better, worse] = twoConfirmedChoices(guards, clock);
    assert.equal(guards.noteSuccess(worse), "waiting");
    guards.noteFailure(better);
    assert.equal(await guards.whenSettled(worse), "usable");
  }));

Deno.test("a circuit waits no more for one that is given up", () =>
  withGuards(async ({ guards, clock }) => {
    const [better, worse] = twoConfirmedChoices(guards, clock);
    assert.equal(guards.noteSuccess(worse), "waiting");
    guards.noteClosed(better);
    assert.equal(await guards.whenSettled(worse), "usable");
  }));

Deno.test("a circuit is not used while a better guard's is, and expires after ten minutes", () =>
  withGuards(async ({ guards, clock }) => {
    const [better, worse] = twoConfirmedChoices(guards, clock);
    assert.equal(guards.noteSuccess(better), "usable");
    assert.equal(guards.noteSuccess(worse), "waiting");
    clock.advance(10 * MINUTE);
    clock.advance(1000);
    assert.equal(await guards.whenSettled(worse), "expired");
    assert.equal(guards.noteSuccess(worse), "never");
    assert.equal(clock.pendingTimers, 0);
  }));

Deno.test("a better guard that this circuit could not have used is not waited for", () =>
  withGuards(async ({ guards, clock }) => {
    const [better, worse] = twoConfirmedChoices(guards, clock);
    guards.noteClosed(worse);
    const restricted = select(guards, better.router.rsaIdentity);
    assert.equal(restricted.router, worse.router);
    assert.equal(guards.noteSuccess(restricted), "usable");
    assert.equal(await guards.whenSettled(restricted), "usable");
  }));

Deno.test("a waiting circuit is not used once a primary guard is worth a try again", () =>
  withGuards(async ({ guards, clock }) => {
    for (const choice of twoConfirmedChoices(guards, clock)) guards.noteClosed(choice);
    clock.advance(10 * MINUTE - 10_000);
    const [better, worse] = [select(guards), select(guards)];
    assert.equal(guards.noteSuccess(worse), "waiting");
    clock.advance(10_000);
    guards.noteClosed(better);
    assert.equal(select(guards).usability, "usable-on-completion");
    clock.advance(10 * MINUTE);
    assert.equal(await guards.whenSettled(worse), "expired");
  }));

/** Choices of two confirmed guards that are not primary; all primary guards are down. */
function twoConfirmedChoices(guards: GuardSample, clock: FakeClock): [GuardChoice, GuardChoice] {
  guards.noteClosed(failConfirmedPrimaries(guards, clock));
  const first = select(guards);
  const second = select(guards);
  for (const choice of [first, second]) {
    assert.equal(guards.noteSuccess(choice), "usable");
    guards.noteClosed(choice);
  }
  const choices: [GuardChoice, GuardChoice] = [select(guards), select(guards)];
  assert.deepEqual(choices.map(({ router }) => router), [first.router, second.router]);
  return choices;
}

Deno.test("a success after ten minutes without one makes the primary guards worth a try again", () =>
  withGuards(async ({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    clock.advance(11 * MINUTE);
    const choice = failPrimaries(guards);
    assert.equal(guards.noteSuccess(choice), "waiting");
    assert.deepEqual(
      guards.primaryGuards().map(({ reachability }) => reachability),
      ["maybe", "maybe", "maybe"],
    );
    const [first] = primaries(guards);
    const better = select(guards);
    assert.equal(better.router.rsaIdentity, first);
    assert.equal(guards.noteSuccess(better), "usable");
    guards.noteClosed(choice);
    assert.equal(await guards.whenSettled(choice), "expired");
  }));

Deno.test("hours without a network leave the client with the guards it had", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const before = primaries(guards);
    let attempts = 0;
    for (let minute = 0; minute < 5 * 60; minute++) {
      clock.advance(MINUTE);
      for (let circuit = 0; circuit < 4; circuit++) {
        const choice = guards.selectForTraffic();
        if (choice === undefined) continue;
        attempts++;
        guards.noteFailure(choice);
      }
      if (minute % 60 === 0) guards.update(network(clock));
    }
    assert.ok(attempts > 300, `${attempts}`);
    assert.deepEqual(primaries(guards), before);
    // The network is back: whichever guard is tried, the end of it is the first primary guard.
    for (let circuit = 0; circuit < 3; circuit++) {
      const choice = guards.selectForTraffic();
      if (choice !== undefined) guards.noteSuccess(choice);
    }
    const choice = select(guards);
    assert.equal(choice.router.rsaIdentity, before[0]);
    assert.equal(guards.noteSuccess(choice), "usable");
    assert.deepEqual(primaries(guards), before);
  }));

Deno.test("when no guard is left, all are worth a try again", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const tried = new Set<RsaIdentity>();
    for (;;) {
      const choice = guards.selectForTraffic();
      if (choice === undefined) break;
      tried.add(choice.router.rsaIdentity);
      guards.noteFailure(choice);
    }
    // A fifth of the possible guards, and no more.
    assert.equal(tried.size, 40);
    assert.equal(select(guards).router.rsaIdentity, primaries(guards)[0]);
  }));

Deno.test("the loss of a primary guard from the consensus brings in the next, and its return it back", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const before = primaries(guards);
    clock.advance(DAY);
    guards.update(network(clock, (identity) => identity === before[0] ? undefined : {}));
    const during = primaries(guards);
    assert.equal(during.length, 3);
    assert.deepEqual(during.slice(0, 2), before.slice(1));
    assert.equal(select(guards).router.rsaIdentity, before[1]);
    clock.advance(DAY);
    guards.update(network(clock));
    assert.deepEqual(primaries(guards), before);
  }));

Deno.test("a circuit whose guard has left the sample must not be used", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const choice = select(guards);
    clock.advance(130 * DAY);
    guards.update(network(clock));
    assert.equal(guards.noteSuccess(choice), "never");
  }));

Deno.test("the microdescriptors of the guards in use and of one more must be there", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock, () => ({ isUnknown: true })));
    const [first, second, third] = primaries(guards);
    assert.deepEqual(guards.missingPrimaryMicrodescriptors(network(clock)), []);
    const without = (...missing: RsaIdentity[]) =>
      guards.missingPrimaryMicrodescriptors(
        network(clock, (identity) => ({ isUnknown: missing.includes(identity) })),
      );
    assert.deepEqual(without(first, second, third), [first, second]);
    assert.deepEqual(without(second), [second]);
    assert.deepEqual(without(third), []);
    const choice = guards.selectForDirectory(({ rsaIdentity }) => rsaIdentity !== first);
    assert.ok(choice !== undefined);
    guards.noteFailure(choice);
    assert.deepEqual(without(first, second, third), [second, third]);
  }));

Deno.test("guards are kept over a restart", () =>
  withGuards(async ({ directory, guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const before = primaries(guards);
    const other = failPrimaries(guards);
    guards.noteSuccess(other);
    await guards.close();
    const saved = JSON.parse(
      new TextDecoder().decode(await directory.read("guard_state.json", 100_000)),
    );
    assert.equal(saved.version, 1);
    // Three were added when three could not be reached.
    assert.equal(saved.guards.length, 23);
    assert.equal(saved.guards[0].fingerprint, before[0]);
    assert.equal(saved.guards[0].last_used, "2026-01-01T00:00:00Z");
    assert.equal(saved.last_updated, "2026-01-01T00:00:00Z");

    clock.advance(DAY);
    const again = await loadGuards(directory, clock);
    again.update(network(clock));
    assert.deepEqual(primaries(again), before);
    // Nothing is known any more of who could not be reached.
    assert.equal(select(again).router.rsaIdentity, before[0]);
    assert.ok(again.primaryGuards().every(({ confirmed }) => confirmed));
    await again.close();
  }));

Deno.test("what is learnt is saved within seconds, and only when it changed", () =>
  withGuards(async ({ directory, guards, clock }) => {
    guards.update(network(clock));
    assert.equal(clock.pendingTimers, 1);
    clock.advance(3000);
    await guards.flush();
    assert.ok(await directory.read("guard_state.json", 100_000) !== undefined);
    await directory.remove("guard_state.json");
    guards.update(network(clock));
    select(guards);
    assert.equal(clock.pendingTimers, 0);
    await guards.flush();
    assert.equal(await directory.read("guard_state.json", 100_000), undefined);
  }));

Deno.test("a file that makes no sense is set aside, and new guards are sampled", () =>
  withGuards(async ({ directory, clock }) => {
    await directory.write("guard_state.json", new TextEncoder().encode('{"version":1,"guards":7}'));
    const guards = await loadGuards(directory, clock);
    guards.update(network(clock));
    assert.equal(primaries(guards).length, 3);
    await guards.close();
    const aside = await directory.read("guard_state.json.corrupt-2026-01-01T000000Z", 1000);
    assert.equal(new TextDecoder().decode(aside), '{"version":1,"guards":7}');
  }));

Deno.test("without entry guards each circuit has a first relay of its own", () =>
  withGuards(async ({ guards, clock }) => {
    guards.update(network(clock));
    const used = new Set<RsaIdentity>();
    for (let circuit = 0; circuit < 50; circuit++) {
      const avoided = identityOf(1 + circuit);
      const choice = select(guards, avoided);
      assert.notEqual(choice.router.rsaIdentity, avoided);
      used.add(choice.router.rsaIdentity);
      assert.equal(guards.noteSuccess(choice), "usable");
      assert.equal(await guards.whenSettled(choice), "usable");
      guards.noteClosed(choice);
      const directory = guards.selectForDirectory();
      assert.ok(directory !== undefined);
      guards.noteFailure(directory);
    }
    assert.ok(used.size > 30, `${used.size}`);
    assert.ok(guards.primaryGuards().every(({ confirmed }) => !confirmed));
    const empty = network(clock, () => ({ isUnknown: true }));
    assert.deepEqual(guards.missingPrimaryMicrodescriptors(empty), []);
  }, { options: { useEntryGuards: false } }));

Deno.test("what a guard does after it has worked, and elsewhere, does not count against it", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const [first] = primaries(guards);
    const states = () => guards.primaryGuards().map(({ reachability }) => reachability);
    // A directory guard that answers, but not with what was asked for.
    const request = guards.selectForDirectory(({ rsaIdentity }) => rsaIdentity !== first);
    assert.ok(request !== undefined && request.router.rsaIdentity === first);
    guards.noteSuccess(request);
    guards.noteFailure(request);
    assert.deepEqual(states(), ["yes", "yes", "yes"]);
    // A circuit that another relay breaks, which may be a guard as well.
    const circuit = select(guards);
    circuit.pathBias.noteBuildAttempt();
    guards.noteClosed(circuit, "remote");
    assert.deepEqual(states(), ["yes", "yes", "yes"]);
    assert.equal(guards.statistics().failures, 0);
    // A guard that could not be connected to for a directory request cannot be for a circuit.
    const lost = guards.selectForDirectory(({ rsaIdentity }) => rsaIdentity !== first);
    assert.ok(lost !== undefined);
    guards.noteFailure(lost);
    assert.deepEqual(states(), ["no", "yes", "yes"]);
    assert.notEqual(select(guards).router.rsaIdentity, first);
  }));

for (const count of [9, 10]) {
  Deno.test(`of ${count} guards, ${count < 10 ? "none" : "any"} may be spared a directory request`, () =>
    withGuards(({ guards, clock }) => {
      guards.update(
        network(clock, (identity) => identity <= identityOf(count) ? {} : undefined),
      );
      const choice = guards.selectForDirectory(() => true);
      assert.equal(choice === undefined, count === 10);
    }));
}

Deno.test("a guard is not used a moment longer than its time, consensus or not", () =>
  withGuards(({ guards, clock }) => {
    const parameters = {
      "guard-lifetime-days": 3650,
      "guard-confirmed-min-lifetime-days": 3650,
    };
    guards.update(network(clock, undefined, parameters));
    const [first] = primaries(guards);
    const choice = select(guards);
    guards.noteSuccess(choice);
    guards.noteClosed(choice);
    // Confirmed up to 18 days before: between 72 and 90 days are left.
    clock.advance(71 * DAY);
    for (let hour = 0; hour < 20 * 24; hour++) {
      if (hour % 2 === 0) guards.update(network(clock, undefined, parameters));
      const days = 71 + hour / 24;
      const { rsaIdentity } = select(guards).router;
      if (rsaIdentity !== first) {
        assert.ok(days >= 72, `${days}`);
        return;
      }
      clock.advance(HOUR);
    }
    assert.fail("it is used for more than 90 days");
  }));

Deno.test("a guard whose path bias is too bad is replaced, if it is to be", () =>
  withGuards(({ guards, clock }) => {
    guards.update(network(clock, undefined, { pb_mincircs: 5, pb_dropguards: 1 }));
    const before = primaries(guards);
    let refused = 0;
    for (let circuit = 0; circuit < 8; circuit++) {
      const choice = select(guards);
      if (choice.pathBias.noteBuildAttempt() === "refused") refused++;
      guards.noteClosed(choice, "remote");
    }
    assert.equal(refused, 1);
    const after = primaries(guards);
    assert.deepEqual(after.slice(0, 2), before.slice(1));
    const [report] = guards.statistics().guards;
    assert.equal(report.rsaIdentity, before[0]);
    assert.ok(report.disabled && !report.filtered && !report.primary);
    assert.equal(report.pathBias.circAttempts, 6);
    assert.match(guards.statistics().lastPrimaryChange?.reason ?? "", /too many of its circuits/);
  }));

Deno.test("path-bias counts outlive a restart, and are written without haste", () =>
  withGuards(async ({ directory, guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    await guards.flush();
    const text = async () =>
      new TextDecoder().decode(await directory.read("guard_state.json", 1e6));
    const before = await text();
    const choice = select(guards);
    choice.pathBias.noteBuildAttempt();
    choice.pathBias.noteBuildSuccess();
    choice.pathBias.noteUseSuccess();
    guards.noteSuccess(choice);
    assert.equal(clock.pendingTimers, 1);
    clock.advance(10 * MINUTE - 1);
    assert.equal(clock.pendingTimers, 1);
    assert.equal(await text(), before);
    // Stored as if the open circuit ended well.
    await guards.close();
    const again = await loadGuards(directory, clock);
    again.update(network(clock));
    const [report] = again.statistics().guards;
    assert.equal(report.pathBias.useSuccesses, 1);
    assert.equal(report.pathBias.successfulCircuitsClosed, 1);
    await again.close();
  }));

Deno.test("a change of the guards in use is saved at once", () =>
  withGuards(async ({ directory, guards, clock }) => {
    guards.update(network(clock));
    clock.advance(0);
    await guards.flush();
    assert.ok(await directory.read("guard_state.json", 1e6) !== undefined);
    guards.noteSuccess(select(guards));
    assert.equal(clock.pendingTimers, 1);
    clock.advance(0);
    assert.equal(clock.pendingTimers, 0);
  }));

Deno.test("a guard that is silent is passed over, until it answers after all", () =>
  withGuards(async ({ guards, clock }) => {
    guards.update(network(clock));
    confirmPrimaries(guards);
    const [first, second] = primaries(guards);
    const silent = select(guards);
    guards.noteSilent(silent);
    assert.equal(guards.primaryGuards()[0].reachability, "no");
    assert.equal(select(guards).router.rsaIdentity, second);
    assert.equal(guards.noteSuccess(silent), "usable");
    assert.equal(select(guards).router.rsaIdentity, first);
    guards.noteClosed(silent);
    guards.noteSilent(silent);
    assert.equal(guards.primaryGuards()[0].reachability, "yes", "the choice is closed");
    // A circuit that waits for better guards waits no more when the last of them is silent.
    const other = failConfirmedPrimaries(guards, clock);
    clock.advance(10 * MINUTE);
    assert.equal(guards.noteSuccess(other), "waiting");
    for (let tries = 0; tries < 3; tries++) guards.noteSilent(select(guards));
    assert.equal(await guards.whenSettled(other), "usable");
  }));

Deno.test("the log says once, without names, that other guards are primary", async () => {
  await using log = await LogLines.collect();
  await withGuards(({ guards, clock }) => {
    guards.update(network(clock));
    const [first] = primaries(guards);
    assert.equal(log.count("info The primary guards"), 0, "the first choice is no change");
    const without = network(clock, (identity) => identity === first ? undefined : {});
    guards.update(without);
    guards.update(without);
    assert.equal(log.count("info The primary guards are [scrubbed], [scrubbed], [scrubbed]"), 1);
    assert.ok(log.lines.every((line) => !line.includes(first) && !line.includes("relay")));
  });
});

Deno.test("the log warns once of a guard whose circuits fail", async () => {
  await using log = await LogLines.collect();
  await withGuards(({ guards, clock }) => {
    guards.update(network(clock, undefined, { pb_mincircs: 5 }));
    for (let circuit = 0; circuit < 10; circuit++) {
      const choice = select(guards);
      choice.pathBias.noteBuildAttempt();
      guards.noteClosed(choice, "remote");
    }
    assert.equal(log.count("warning Guard [scrubbed]: almost none of its circuits"), 1);
    assert.equal(log.count("Of 6 circuits 0 were built"), 1);
  });
});
