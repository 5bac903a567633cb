import assert from "node:assert/strict";
import fc from "fast-check";
import { type GuardOptions, guardParameters } from "../../src/guard/guard_parameters.ts";
import { type GuardNetwork, GuardSets } from "../../src/guard/guard_sets.ts";
import { NO_COUNTS } from "../../src/guard/path_bias.ts";
import type { SampledGuard, SampledGuardFacts } from "../../src/guard/sampled_guard.ts";
import type { RouterStatus } from "../../src/netdoc/consensus.ts";
import { RelayFlag } from "../../src/netdir/relay.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import {
  GUARD_FLAGS,
  identityOf,
  testNetDir,
  type TestNetwork,
  type TestRelay,
} from "../path/test_network.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 1);
const OPTIONS: GuardOptions = {
  useEntryGuards: true,
  numEntryGuards: undefined,
  numDirectoryGuards: undefined,
  numPrimaryGuards: undefined,
  guardLifetime: undefined,
  extendAllowPrivateAddresses: false,
};

function newSets(seed = 1): GuardSets {
  return new GuardSets({ name: "default", random: new SeededRandom(seed), facts: [] });
}

/** A network of `count` possible guards that is valid at `now`, changed where `change` says so. */
function network(
  count: number,
  now = NOW,
  change: (number: number) => Partial<TestRelay> | undefined = () => ({}),
  parameters: TestNetwork["parameters"] = {},
  passesFilter: (router: RouterStatus) => boolean = () => true,
): GuardNetwork {
  const relays: TestRelay[] = [];
  for (let number = 1; number <= count; number++) {
    const changed = change(number);
    if (changed !== undefined) relays.push({ number, ...changed });
  }
  const netDir = testNetDir({ relays, validAfter: now, parameters });
  return { netDir, parameters: guardParameters(netDir, OPTIONS), passesFilter };
}

const identities = (guards: readonly SampledGuard[]) => guards.map((guard) => guard.rsaIdentity);
const anyGuard = () => true;
const noGuard = () => false;

/** Lets guards fail until the sample cannot be extended any more. */
function exhaust(sets: GuardSets): void {
  for (;;) {
    const guard = sets.firstUsable(NOW, anyGuard, noGuard);
    if (guard === undefined) return;
    guard.noteTried(NOW);
    guard.noteFailure(NOW);
  }
}

Deno.test("the first consensus gives 20 guards, the first three of them primary", () => {
  const sets = newSets();
  sets.update(network(1000), NOW);
  assert.equal(sets.sampled.length, 20);
  assert.deepEqual(identities(sets.primary), identities(sets.sampled).slice(0, 3));
  assert.deepEqual(sets.confirmed, []);
  for (const guard of sets.sampled) {
    assert.ok(guard.isFiltered);
    assert.equal(guard.isPrimary, sets.primary.includes(guard));
    const { sampledOn } = guard.facts;
    assert.ok(NOW - 12 * DAY - 1000 <= sampledOn && sampledOn < NOW);
  }
});

Deno.test("only relays with all flags of a guard are sampled, known or not", () => {
  const sets = newSets();
  const known = network(40, NOW, (number) => ({
    flags: number % 2 === 0 ? GUARD_FLAGS & ~RelayFlag.Stable : GUARD_FLAGS,
    isUnknown: true,
  }));
  sets.update(known, NOW);
  assert.equal(sets.sampled.length, 20);
  for (const guard of sets.sampled) {
    assert.equal(known.netDir.listed(guard.rsaIdentity)?.flags, GUARD_FLAGS);
  }
});

Deno.test("a small network is sampled whole", () => {
  const sets = newSets();
  sets.update(network(5), NOW);
  assert.deepEqual(identities(sets.sampled).sort(), [1, 2, 3, 4, 5].map(identityOf));
});

for (
  const [guards, parameters, size] of [
    [1000, {}, 60],
    [200, {}, 40],
    [50, {}, 20],
    [1000, { "guard-max-sample-size": 30 }, 30],
    [1000, { "guard-max-sample-threshold-percent": 3 }, 30],
    [1000, { "guard-min-filtered-sample-size": 70 }, 70],
  ] as const
) {
  Deno.test(`of ${guards} guards with ${JSON.stringify(parameters)}, at most ${size} are sampled`, () => {
    const sets = newSets();
    sets.update(network(guards, NOW, undefined, parameters), NOW);
    exhaust(sets);
    assert.equal(sets.sampled.length, size);
    assert.equal(new Set(identities(sets.sampled)).size, size);
  });
}

Deno.test("the sample is extended when too few guards obey a restriction", () => {
  const sets = newSets();
  sets.update(network(1000), NOW);
  const first = sets.sampled[0];
  assert.equal(sets.firstUsable(NOW, anyGuard, noGuard), first);
  assert.equal(sets.sampled.length, 20);
  // Too few obey now; but C tor counts all usable guards when it decides how many to add.
  assert.equal(sets.firstUsable(NOW, (guard) => guard !== first, noGuard), sets.sampled[1]);
  assert.equal(sets.sampled.length, 20);
  first.noteTried(NOW);
  first.noteFailure(NOW);
  assert.equal(sets.firstUsable(NOW, anyGuard, noGuard), sets.sampled[1]);
  assert.equal(sets.sampled.length, 21);
});

Deno.test("guards are sampled by weight", () => {
  let heavy = 0;
  for (let seed = 0; seed < 200; seed++) {
    const sets = newSets(seed);
    // One relay has as much bandwidth as all others together.
    sets.update(network(100, NOW, (number) => ({ bandwidth: number === 7 ? 99_000 : 1000 })), NOW);
    if (sets.sampled[0].rsaIdentity === identityOf(7)) heavy++;
  }
  assert.ok(heavy > 70 && heavy < 130, `${heavy} of 200`);
});

Deno.test("a guard that is not listed is no primary guard, and comes back in its place", () => {
  const sets = newSets();
  sets.update(network(100), NOW);
  const before = identities(sets.primary);
  const later = NOW + DAY;
  sets.update(network(100, later, (n) => identityOf(n) === before[0] ? undefined : {}), later);
  const [lost] = sets.sampled;
  assert.equal(lost.rsaIdentity, before[0]);
  assert.ok(!lost.isFiltered && !lost.isPrimary);
  const since = lost.facts.unlistedSince ?? 0;
  assert.ok(later - 4 * DAY - 1000 <= since && since < later);
  assert.equal(sets.primary.length, 3);
  assert.deepEqual(identities(sets.primary).slice(0, 2), before.slice(1));
  sets.confirm(lost, later);
  sets.update(network(100, later), later);
  assert.equal(lost.facts.unlistedSince, undefined);
  assert.deepEqual(sets.primary[0], lost);
});

Deno.test("a guard that loses a flag is not listed", () => {
  const sets = newSets();
  sets.update(network(30), NOW);
  const [lost] = sets.sampled;
  const flags = GUARD_FLAGS & ~RelayFlag.Guard;
  sets.update(network(30, NOW, (n) => identityOf(n) === lost.rsaIdentity ? { flags } : {}), NOW);
  assert.ok(!lost.isFiltered);
});

Deno.test("the date of unlisting stays, and 20 days after it the guard is removed", () => {
  const sets = newSets();
  sets.update(network(100), NOW);
  const [lost] = sets.sampled;
  const without = (n: number) => identityOf(n) === lost.rsaIdentity ? undefined : {};
  sets.update(network(100, NOW, without), NOW);
  const since = lost.facts.unlistedSince ?? 0;
  const last = since + 20 * DAY;
  sets.update(network(100, last, without), last);
  assert.equal(lost.facts.unlistedSince, since);
  assert.ok(sets.has(lost));
  sets.update(network(100, last + 1, without), last + 1);
  assert.ok(!sets.has(lost));
});

Deno.test("a guard that was never used leaves the sample 120 days after it was sampled", () => {
  const sets = newSets();
  sets.update(network(100), NOW);
  const [guard] = sets.sampled;
  const last = guard.facts.sampledOn + 120 * DAY;
  sets.update(network(100, last), last);
  assert.ok(sets.has(guard));
  sets.update(network(100, last + 1000), last + 1000);
  assert.ok(!sets.has(guard));
  assert.ok(!sets.primary.includes(guard));
  assert.equal(sets.primary.length, 3);
});

Deno.test("a guard that was used leaves the sample 60 days after it was confirmed", () => {
  const sets = newSets();
  sets.update(network(100), NOW);
  const [guard] = sets.sampled;
  const later = NOW + 100 * DAY;
  sets.confirm(guard, later);
  const on = guard.facts.confirmed?.on ?? 0;
  assert.ok(later - 12 * DAY - 1000 <= on && on < later);
  // It is too old for one that was never used, but that does not count any more.
  sets.update(network(100, on + 60 * DAY), on + 60 * DAY);
  assert.ok(sets.has(guard));
  sets.update(network(100, on + 60 * DAY + 1000), on + 60 * DAY + 1000);
  assert.ok(!sets.has(guard));
});

Deno.test("no guard stays longer than 90 days after it was confirmed", () => {
  const parameters = {
    "guard-lifetime-days": 3650,
    "guard-confirmed-min-lifetime-days": 3650,
  };
  const at = (now: number) => network(100, now, undefined, parameters);
  const sets = newSets();
  sets.update(at(NOW), NOW);
  const [guard, other] = sets.sampled;
  sets.confirm(guard, NOW);
  const on = guard.facts.confirmed?.on ?? 0;
  // A tenth of ten years would be more than the guard has.
  assert.ok(NOW - 18 * DAY - 1000 <= on && on < NOW);
  const last = on + 90 * DAY;
  sets.update(at(last), last);
  assert.ok(sets.has(guard) && guard.isPrimary);
  sets.refresh(last);
  assert.ok(sets.has(guard));
  // Without a new consensus, too.
  sets.refresh(last + 1);
  assert.ok(!sets.has(guard));
  assert.ok(!sets.primary.includes(guard));
  assert.equal(sets.primary.length, 3);
  assert.ok(sets.has(other), "one that was never confirmed");
});

Deno.test("dates to come are taken back when a consensus vouches for the clock", () => {
  const facts: SampledGuardFacts = {
    selection: "default",
    rsaIdentity: identityOf(1),
    nickname: "relay1",
    address: "",
    sampledOn: NOW + 400 * DAY,
    unlistedSince: undefined,
    confirmed: { on: NOW + 400 * DAY, index: 0 },
    lastUsed: NOW + 400 * DAY,
    pathBias: NO_COUNTS,
  };
  const sets = new GuardSets({ name: "default", random: new SeededRandom(1), facts: [facts] });
  sets.update(network(100, NOW - 30 * DAY), NOW);
  assert.equal(sets.sampled[0].facts.confirmed?.on, NOW + 400 * DAY);
  sets.update(network(100), NOW);
  const [guard] = sets.sampled;
  assert.equal(guard.facts.sampledOn, NOW);
  assert.equal(guard.facts.confirmed?.on, NOW);
  assert.equal(guard.facts.lastUsed, NOW);
  assert.match(guard.facts.address, /:9001$/);
});

Deno.test("only the restricted sample holds nothing but what the filter allows", () => {
  const passes = ({ rsaIdentity }: RouterStatus) => rsaIdentity <= identityOf(10);
  for (const name of ["default", "restricted"] as const) {
    const sets = new GuardSets({ name, random: new SeededRandom(1), facts: [] });
    sets.update(network(100, NOW, undefined, {}, passes), NOW);
    const outside = identities(sets.sampled).filter((identity) => identity > identityOf(10));
    if (name === "default") assert.ok(outside.length > 0);
    else assert.deepEqual(outside, []);
    assert.ok(identities(sets.primary).every((identity) => identity <= identityOf(10)));
    for (const guard of sets.sampled) assert.equal(guard.facts.selection, name);
  }
});

Deno.test("a guard that the filter takes out is no primary guard until it is back", () => {
  const reasons: string[] = [];
  const told = new GuardSets({
    name: "default",
    random: new SeededRandom(1),
    facts: [],
    onPrimaryChange: (reason) => reasons.push(reason),
  });
  told.update(network(100), NOW);
  const before = identities(told.primary);
  for (const guard of told.primary) told.confirm(guard, NOW);
  const without = ({ rsaIdentity }: RouterStatus) => rsaIdentity !== before[1];
  told.update(network(100, NOW, undefined, {}, without), NOW);
  assert.ok(!identities(told.primary).includes(before[1]));
  told.update(network(100), NOW);
  assert.deepEqual(identities(told.primary), before);
  assert.equal(reasons.length, 3);
  assert.match(reasons[1], /configuration/);
});

Deno.test("a consensus that is out of date changes nothing about the sample", () => {
  const sets = newSets();
  const hours = (count: number) => count * 3_600_000;
  sets.update(network(100), NOW + hours(28));
  assert.equal(sets.sampled.length, 0);
  sets.update(network(100), NOW - hours(25));
  assert.equal(sets.sampled.length, 0);
  // It is valid for three hours, and believed for a day more, either way.
  sets.update(network(100), NOW + hours(27));
  assert.equal(sets.sampled.length, 20);
  const [guard] = sets.sampled;
  const without = (n: number) => identityOf(n) === guard.rsaIdentity ? undefined : {};
  sets.update(network(100, NOW, without), NOW + hours(28));
  assert.equal(guard.facts.unlistedSince, undefined);
  // Yet it cannot be used, because nothing is known of it now.
  assert.ok(!guard.isFiltered);
});

Deno.test("a confirmed guard takes the place of a primary guard that is not", () => {
  const sets = newSets();
  sets.update(network(100), NOW);
  const [first, second, third, fourth] = sets.sampled;
  sets.confirm(fourth, NOW);
  assert.deepEqual(sets.primary, [first, second, fourth]);
  assert.ok(!third.isPrimary && fourth.isPrimary);
  sets.confirm(third, NOW);
  assert.deepEqual(sets.primary, [first, third, fourth]);
  assert.deepEqual(fourth.facts.confirmed?.index, 0);
  assert.deepEqual(third.facts.confirmed?.index, 1);
  // All places are taken by guards that were confirmed before, or sampled before.
  const [fifth, sixth] = sets.sampled.slice(4);
  sets.confirm(first, NOW);
  sets.confirm(fifth, NOW);
  sets.confirm(sixth, NOW);
  assert.deepEqual(sets.primary, [first, third, fourth]);
});

Deno.test("a guard is confirmed once, and the day of its last use is kept", () => {
  const sets = newSets();
  sets.update(network(100), NOW);
  const [guard] = sets.sampled;
  sets.confirm(guard, NOW);
  const { confirmed } = guard.facts;
  sets.confirm(guard, NOW + 5 * DAY);
  assert.deepEqual(guard.facts.confirmed, confirmed);
  assert.equal(guard.facts.lastUsed, undefined);
  sets.noteUsed(guard, NOW + 5 * DAY + 12_345_678);
  assert.equal(guard.facts.lastUsed, NOW + 5 * DAY);
});

Deno.test("the order of confirmation has no gap after a guard is removed", () => {
  const sets = newSets();
  sets.update(network(100), NOW);
  const [first, second, third] = sets.sampled;
  for (const guard of [second, first, third]) sets.confirm(guard, NOW);
  const without = (n: number) => identityOf(n) === second.rsaIdentity ? undefined : {};
  sets.update(network(100, NOW, without), NOW);
  sets.update(network(100, NOW + 21 * DAY, without), NOW + 21 * DAY);
  assert.ok(!sets.has(second));
  assert.deepEqual([first, third].map((guard) => guard.facts.confirmed?.index), [0, 1]);
});

Deno.test("guards follow their relays' names and addresses", () => {
  const sets = newSets();
  sets.update(network(5), NOW);
  sets.update(network(5, NOW, (n) => ({ hostname: `99.${n}.0.1` })), NOW);
  for (const guard of sets.sampled) assert.match(guard.facts.address, /^99\.\d\.0\.1:9001$/);
});

Deno.test("sets made of stored guards are as they were", () => {
  const sets = newSets();
  sets.update(network(100), NOW);
  sets.confirm(sets.sampled[2], NOW);
  sets.confirm(sets.sampled[1], NOW);
  const facts = sets.sampled.map(({ stored }) => stored);
  const again = new GuardSets({ name: "default", random: new SeededRandom(2), facts });
  again.update(network(100), NOW);
  assert.deepEqual(again.sampled.map(({ facts }) => facts), sets.sampled.map(({ facts }) => facts));
  assert.deepEqual(identities(again.primary), identities(sets.primary));
});

Deno.test("whatever happens, the sets keep their promises", () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("consensus" as const),
      lost: fc.array(fc.integer({ min: 1, max: 60 })),
    }),
    fc.record({ kind: fc.constant("days" as const), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant("use" as const), index: fc.nat(30) }),
    fc.record({ kind: fc.constant("fail" as const), index: fc.nat(30) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const sets = newSets();
      let now = NOW;
      let lost = new Set<number>();
      const update = () => sets.update(network(60, now, (n) => lost.has(n) ? undefined : {}), now);
      update();
      for (const action of steps) {
        if (action.kind === "consensus") lost = new Set(action.lost);
        if (action.kind === "days") now += action.count * DAY;
        if (action.kind === "consensus" || action.kind === "days") update();
        const guard = "index" in action ? sets.sampled.at(action.index) : undefined;
        if (guard !== undefined && action.kind === "use") sets.confirm(guard, now);
        if (guard !== undefined && action.kind === "fail") {
          guard.noteTried(now);
          guard.noteFailure(now);
        }
        assert.ok(sets.sampled.length <= 20);
        assert.ok(sets.primary.length <= 3);
        assert.ok(sets.primary.every((primary) => sets.has(primary) && primary.isFiltered));
        const order = sets.confirmed.map((confirmed) => confirmed.facts.confirmed?.index ?? -1);
        assert.deepEqual(order.sort((a, b) => a - b), order.map((_, index) => index));
        const filtered = sets.confirmed.filter((confirmed) => confirmed.isFiltered);
        assert.deepEqual(
          sets.primary.filter((primary) => primary.isConfirmed),
          filtered.slice(0, 3),
        );
      }
    }),
    { seed: 1 },
  );
});
