import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { GuardFilter, SelectionName } from "../../src/guard/guard_filter.ts";
import { GuardSelections } from "../../src/guard/guard_selections.ts";
import type { GuardChange } from "../../src/guard/guard_events.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { identityOf, testNetDir } from "../path/test_network.ts";
import {
  confirmPrimaries,
  loadGuards,
  network,
  OPTIONS,
  primaries,
  select,
  withGuards,
} from "./test_guards.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 0, 1);

/** Allows the relays with the numbers 1 to `count`. */
function firstRelays(count: number): GuardFilter {
  return {
    isAllowed: ({ rsaIdentity }) => rsaIdentity <= identityOf(count),
    isEntryNode: undefined,
  };
}

/** Makes selections whose filter can be changed, for a network of 1,000 guards. */
function subject(options = OPTIONS) {
  const netDir = testNetDir({
    relays: Array.from({ length: 1000 }, (_, index) => ({ number: index + 1 })),
    validAfter: NOW,
  });
  let filter: GuardFilter = firstRelays(1000);
  const selections = new GuardSelections({
    random: new SeededRandom(1),
    options,
    filterFor: () => filter,
    facts: [],
    onPrimaryChange: () => {},
    onPathBias: () => {},
  });
  const name = (count: number, now = NOW): SelectionName => {
    filter = firstRelays(count);
    selections.update(netDir, now);
    return selections.name;
  };
  return { selections, name };
}

for (
  const [count, expected] of [[1000, "default"], [200, "default"], [199, "restricted"]] as const
) {
  Deno.test(`at the start, a filter that leaves ${count} of 1000 guards means ${expected}`, () => {
    assert.equal(subject().name(count), expected);
  });
}

Deno.test("later a filter must be clearly on the other side for a change", () => {
  const { name } = subject();
  assert.deepEqual(
    [200, 190, 189, 200, 209, 210, 190].map((count) => name(count)),
    ["default", "default", "restricted", "restricted", "restricted", "default", "default"],
  );
});

Deno.test("a consensus that is out of date changes nothing", () => {
  const { name } = subject();
  assert.equal(name(10, NOW + 48 * HOUR), "default");
  assert.equal(name(10), "restricted");
  assert.equal(name(1000, NOW + 48 * HOUR), "restricted");
});

Deno.test("EntryNodes and private addresses are part of the filter", () => {
  const { selections } = subject();
  assert.equal(selections.name, "default");
  const entry = new GuardSelections({
    random: new SeededRandom(1),
    options: OPTIONS,
    filterFor: () => ({
      isAllowed: ({ rsaIdentity }) => rsaIdentity !== identityOf(1),
      isEntryNode: ({ rsaIdentity }) => rsaIdentity <= identityOf(3),
    }),
    facts: [],
    onPrimaryChange: () => {},
    onPathBias: () => {},
  });
  const relays = Array.from({ length: 100 }, (_, index) => ({
    number: index + 1,
    ...(index === 1 ? { hostname: "127.0.0.1" } : {}),
  }));
  entry.update(testNetDir({ relays, validAfter: NOW }), NOW);
  assert.equal(entry.name, "restricted");
  assert.deepEqual(
    entry.current.primary.map(({ rsaIdentity }) => rsaIdentity),
    [identityOf(3)],
    "the first is excluded, and the second has a private address",
  );
});

Deno.test("guards with private addresses are used only where that is allowed", () => {
  const relays = Array.from({ length: 5 }, (_, index) => ({
    number: index + 1,
    hostname: `127.${index}.0.1`,
  }));
  for (const extendAllowPrivateAddresses of [false, true]) {
    const { selections } = subject({ ...OPTIONS, extendAllowPrivateAddresses });
    selections.update(testNetDir({ relays, validAfter: NOW }), NOW);
    assert.equal(selections.current.primary.length, extendAllowPrivateAddresses ? 3 : 0);
  }
});

Deno.test("each selection keeps its guards, in the file as well", () => {
  let filter: GuardFilter = { isAllowed: () => true, isEntryNode: undefined };
  const filterFor = () => filter;
  return withGuards(async ({ guards, directory, clock }) => {
    const changes: GuardChange[] = [];
    const stop = guards.onChange((change) => changes.push(change));
    guards.update(network(clock));
    confirmPrimaries(guards);
    const usual = primaries(guards);
    assert.ok(!changes.some(({ kind }) => kind === "selection"));
    const free = new Set<RsaIdentity>([150, 151, 152, 153].map(identityOf));
    filter = { ...filter, isEntryNode: ({ rsaIdentity }) => free.has(rsaIdentity) };
    const open = select(guards);
    guards.update(network(clock));
    assert.deepEqual(changes.at(-1), { kind: "selection", selection: "restricted" });
    assert.equal(guards.statistics().selection, "restricted");
    assert.ok(primaries(guards).every((identity) => free.has(identity)));
    // A circuit of before still says what it learns of its guard.
    assert.equal(guards.noteSuccess(open), "usable");
    const restricted = select(guards);
    assert.equal(guards.noteSuccess(restricted), "usable");
    guards.noteClosed(restricted);
    const forced = primaries(guards);
    await guards.flush();
    stop();

    const again = await loadGuards(directory, clock, { filterFor });
    again.update(network(clock));
    assert.deepEqual(primaries(again), forced);
    filter = { ...filter, isEntryNode: undefined };
    again.update(network(clock));
    assert.deepEqual(primaries(again), usual);
    // What is not in use grows old all the same.
    clock.advance(91 * DAY);
    again.update(network(clock));
    filter = { ...filter, isEntryNode: ({ rsaIdentity }) => free.has(rsaIdentity) };
    again.update(network(clock));
    assert.ok(again.primaryGuards().every(({ confirmed }) => !confirmed));
    await again.close();
    guards.noteClosed(open);
  }, { filterFor });
});
