import assert from "node:assert/strict";
import { choosePath, type ChosenPath, type PathRequest } from "../../src/circuit/choose_path.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { GuardSample } from "../../src/guard/guard_sample.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import { RelayFlag } from "../../src/netdir/relay.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import { NodeRules, type NodeWishes } from "../../src/path/node_rules.ts";
import { conflicts, type PathRules } from "../../src/path/path_rules.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import {
  GUARD_FLAGS,
  identityOf,
  NO_WISHES,
  TEST_RULES,
  testNetDir,
  type TestRelay,
} from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { ListedGuards } from "./listed_guards.ts";

const WEB: ExitTarget = { kind: "name", port: 443 };
const WEB_EXIT = { exitPolicy: "accept 443" };

/** What a test asks for; relays by their numbers. */
interface Asked {
  readonly target?: ExitTarget;
  readonly excluded?: readonly number[];
  readonly avoided?: readonly number[];
  readonly rules?: PathRules;
  readonly seed?: number;
}

function choose(netDir: NetDir, guards: ListedGuards | GuardSample, asked: Asked = {}): ChosenPath {
  const { target = WEB, excluded = [], avoided = [], rules = TEST_RULES, seed = 1 } = asked;
  const request: PathRequest = {
    target,
    excludedExits: new Set(excluded.map(identityOf)),
    avoided: new Set(avoided.map(identityOf)),
  };
  return choosePath(netDir, { random: new SeededRandom(seed), guards, rules }, request);
}

/** The numbers of guard, middle and exit that came up with so many seeds. */
function seen(netDir: NetDir, guards: ListedGuards, asked: Asked, seeds = 40): number[][] {
  const numbers = [new Set<number>(), new Set<number>(), new Set<number>()];
  for (let seed = 1; seed <= seeds; seed++) {
    const { guard, middle, exit } = choose(netDir, guards, { ...asked, seed });
    for (const [index, relay] of [guard, middle, exit].entries()) {
      numbers[index].add(Number(relay.nickname.slice("relay".length)));
    }
  }
  return numbers.map((each) => [...each].toSorted((a, b) => a - b));
}

function network(...relays: TestRelay[]): NetDir {
  return testNetDir({ relays });
}

/** Rules with these wishes of the user. */
function wishing(wishes: Partial<NodeWishes>): PathRules {
  return { ...TEST_RULES, nodes: NodeRules.compile({ ...NO_WISHES, ...wishes }, undefined) };
}

const named = (number: number) => ({ kind: "nickname", nickname: `relay${number}` } as const);

Deno.test("choosePath: the exit first, then a guard that goes with it, then the middle", () => {
  // Guard 1 is in the exit's subnet, middle 4 in that of the exit, 5 in that of guard 2.
  const netDir = network(
    { number: 1, hostname: "9.9.1.1" },
    { number: 2, hostname: "8.8.1.1" },
    { number: 3, hostname: "9.9.2.2", ...WEB_EXIT },
    { number: 4, hostname: "9.9.3.3" },
    { number: 5, hostname: "8.8.3.3" },
    { number: 6 },
  );
  const guards = new ListedGuards(netDir, [1, 2]);
  assert.deepEqual(seen(netDir, guards, {}), [[2], [6], [3]]);
  assert.deepEqual(guards.closed, []);
  const path = choose(netDir, guards);
  assert.equal(path.guardChoice, guards.chosen.at(-1));
  assert.equal(path.guardChoice.relay, path.guard);
});

Deno.test("choosePath: any relays that do not conflict, over many seeds", () => {
  const relays = Array.from({ length: 30 }, (_, index) => ({
    number: index + 1,
    hostname: `${40 + (index >> 1)}.1.0.${index}`,
    ...(index % 3 === 0 ? WEB_EXIT : {}),
  }));
  const netDir = testNetDir({ relays });
  const guards = new ListedGuards(netDir, [1, 2, 3, 4, 5]);
  const exits = new Set<string>();
  for (let seed = 1; seed <= 100; seed++) {
    const { guard, middle, exit } = choose(netDir, guards, { seed });
    exits.add(exit.nickname);
    for (const [a, b] of [[guard, middle], [middle, exit], [guard, exit]]) {
      assert.equal(conflicts(a, b, TEST_RULES), false, `${a.nickname} ${b.nickname}`);
    }
  }
  assert.equal(exits.size, 10);
});

const TWO_EXITS = () =>
  network({ number: 1 }, { number: 2 }, { number: 3, ...WEB_EXIT }, { number: 4, ...WEB_EXIT }, {
    number: 5,
  });

Deno.test("choosePath: exits that have refused are never taken again", () => {
  const netDir = TWO_EXITS();
  const guards = new ListedGuards(netDir, [1]);
  assert.deepEqual(seen(netDir, guards, {})[2], [3, 4]);
  assert.deepEqual(seen(netDir, guards, { excluded: [3] })[2], [4]);
  assert.deepEqual(seen(netDir, guards, { excluded: [3], avoided: [4] })[2], [4]);
  assert.throws(() => choose(netDir, guards, { excluded: [3, 4] }), { code: "no-exit" });
});

Deno.test("choosePath: exits and middles to be avoided are taken only if there are no others", () => {
  const netDir = TWO_EXITS();
  const guards = new ListedGuards(netDir, [1]);
  assert.deepEqual(seen(netDir, guards, { avoided: [4] }), [[1], [2, 5], [3]]);
  assert.deepEqual(seen(netDir, guards, { avoided: [2, 4] }), [[1], [5], [3]]);
  assert.deepEqual(seen(netDir, guards, { avoided: [2, 3, 4, 5] }), [[1], [2, 3, 4, 5], [3, 4]]);
});

Deno.test("choosePath: the only exit for an expected port is taken before one for other ports", () => {
  const netDir = network({ number: 1 }, { number: 2 }, { number: 3, ...WEB_EXIT }, {
    number: 4,
    exitPolicy: "accept 993",
  });
  const guards = new ListedGuards(netDir, [1]);
  const mail: ExitTarget = { kind: "any-port", ports: [993] };
  assert.deepEqual(seen(netDir, guards, { target: mail, avoided: [4] })[2], [4]);
  assert.deepEqual(seen(netDir, guards, { target: mail, excluded: [4], avoided: [3] })[2], [3]);
  assert.deepEqual(seen(netDir, guards, { target: mail, excluded: [4] })[2], [3]);
});

Deno.test("choosePath: another primary guard is taken in the place of one to be avoided", () => {
  const netDir = TWO_EXITS();
  const guards = new ListedGuards(netDir, [1, 2], [5]);
  assert.deepEqual(seen(netDir, guards, { avoided: [1] })[0], [2]);
  assert.deepEqual(guards.closed, []);
});

Deno.test("choosePath: a guard that is not primary never is, and its choice is closed", () => {
  const netDir = TWO_EXITS();
  const guards = new ListedGuards(netDir, [1], [2, 5]);
  const { guardChoice } = choose(netDir, guards, { avoided: [1] });
  assert.equal(guardChoice.relay.rsaIdentity, identityOf(1));
  assert.deepEqual(guards.chosen.map(({ relay }) => relay.rsaIdentity), [2, 1].map(identityOf));
  assert.deepEqual(guards.closed, [guards.chosen[0]]);
});

Deno.test("choosePath: the only guard is taken even if it is to be avoided", () => {
  const netDir = TWO_EXITS();
  const guards = new ListedGuards(netDir, [1]);
  assert.deepEqual(seen(netDir, guards, { avoided: [1] })[0], [1]);
});

Deno.test("choosePath: an exit to be avoided is taken if the only primary guard is the other exit", () => {
  const netDir = TWO_EXITS();
  const guards = new ListedGuards(netDir, [3], [1]);
  assert.deepEqual(seen(netDir, guards, { avoided: [4] })[0], [3]);
  assert.deepEqual(seen(netDir, guards, { avoided: [4] })[2], [4]);
  // Nothing else was kept of the choices on the way.
  assert.ok(guards.closed.every(({ relay }) => relay.rsaIdentity === identityOf(1)));
  assert.equal(guards.chosen.length - guards.closed.length, 80);
  // Where that does not help, the exit is the one that was preferred.
  const none = new ListedGuards(netDir, [], [1]);
  assert.deepEqual(seen(netDir, none, { avoided: [4] })[2], [3]);
  assert.equal(none.chosen.length - none.closed.length, 40);
});

Deno.test("choosePath: where no primary guard can be used, others are, also one to be avoided", () => {
  const netDir = TWO_EXITS();
  const guards = new ListedGuards(netDir, [], [2, 5]);
  assert.deepEqual(seen(netDir, guards, {})[0], [2]);
  assert.equal(guards.closed.length, 0);
  // It does not lead to the next one either.
  assert.deepEqual(seen(netDir, guards, { avoided: [2] })[0], [2]);
  const kept = guards.chosen.filter((choice) => !guards.closed.includes(choice));
  assert.ok(kept.every(({ relay }) => relay.rsaIdentity === identityOf(2)));
  assert.equal(kept.length, 80);
});

Deno.test("choosePath: with the guards of a sample, avoiding leads to no guard but a primary one", async () => {
  const folder = await Deno.makeTempDir();
  try {
    using directory = await DataDirectory.open(folder);
    const clock = new FakeClock();
    const relays = Array.from({ length: 100 }, (_, index) => ({ number: index + 1 }));
    const netDir = testNetDir({
      relays: [...relays, { number: 200, flags: GUARD_FLAGS & ~RelayFlag.Guard, ...WEB_EXIT }],
      validAfter: clock.now(),
    });
    const guards = await GuardSample.load(directory, { clock, random: new SeededRandom(1) }, {
      useEntryGuards: true,
      numEntryGuards: undefined,
      numDirectoryGuards: undefined,
      numPrimaryGuards: undefined,
      guardLifetime: undefined,
      extendAllowPrivateAddresses: false,
    });
    guards.update(netDir);
    const primary = guards.primaryGuards().map(({ rsaIdentity }) => rsaIdentity);
    const numbers = primary.map((identity) =>
      relays.findIndex(({ number }) => identityOf(number) === identity) + 1
    );
    const avoidedSoFar: number[] = [];
    for (const [index, number] of [...numbers, 0].entries()) {
      const { guardChoice } = choose(netDir, guards, { avoided: avoidedSoFar });
      assert.ok(primary.includes(guardChoice.relay.rsaIdentity));
      assert.equal(guardChoice.usability, "usable-on-completion");
      if (index > 0 && index < numbers.length) {
        assert.ok(!avoidedSoFar.map(identityOf).includes(guardChoice.relay.rsaIdentity));
      }
      guards.noteClosed(guardChoice);
      avoidedSoFar.push(number);
    }
    await guards.close();
    assert.equal(clock.pendingTimers, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("choosePath: no guard, and no middle, which closes the guard's choice", () => {
  const netDir = TWO_EXITS();
  assert.throws(() => choose(netDir, new ListedGuards(netDir, [])), { code: "no-guard" });

  const small = network({ number: 1 }, { number: 3, ...WEB_EXIT });
  const guards = new ListedGuards(small, [1]);
  assert.throws(() => choose(small, guards), { code: "no-path" });
  assert.deepEqual(guards.closed, guards.chosen);
  assert.equal(guards.chosen.length, 1);
});

Deno.test("choosePath: where there is no middle it says why", () => {
  const netDir = TWO_EXITS();
  const cases: [Asked, RegExp][] = [
    // The guard's and the exit's own wishes are others.
    [{ rules: wishing({ middle: [named(7)] }) }, /MiddleNodes/],
    [{ rules: wishing({ exclude: [named(2), named(3), named(5)] }) }, /no relay is left/],
  ];
  for (const [asked, message] of cases) {
    assert.throws(
      () => choose(netDir, new ListedGuards(netDir, [1]), asked),
      (error) =>
        error instanceof CircuitError && error.code === "no-path" && message.test(error.message),
    );
  }
});

Deno.test("choosePath: where there is no exit it says why, and takes no guard", () => {
  const netDir = TWO_EXITS();
  const cases: [NetDir, Asked, RegExp][] = [
    [network(), {}, /no relay is known/],
    [netDir, { target: { kind: "name", port: 25 } }, /no relay allows connections to this port/],
    [netDir, { rules: wishing({ exclude: [named(3)], excludeExit: [named(4)] }) }, /ExcludeNodes/],
    [netDir, { rules: wishing({ exit: [named(5)] }) }, /no relay of ExitNodes/],
    [netDir, { excluded: [3, 4] }, /no relay is left/],
  ];
  for (const [network, asked, message] of cases) {
    const guards = new ListedGuards(network, network.relays.length > 0 ? [1] : []);
    assert.throws(
      () => choose(network, guards, asked),
      (error) =>
        error instanceof CircuitError && error.code === "no-exit" && message.test(error.message),
    );
    assert.deepEqual(guards.chosen, []);
  }
});

Deno.test("choosePath: long-lived ports want Stable relays", () => {
  const unstable = GUARD_FLAGS & ~RelayFlag.Stable;
  const netDir = network(
    { number: 1 },
    { number: 2, flags: unstable },
    { number: 3, flags: unstable, exitPolicy: "accept 22,443" },
    { number: 4, exitPolicy: "accept 22,443" },
    { number: 5 },
  );
  const guards = new ListedGuards(netDir, [1]);
  assert.deepEqual(seen(netDir, guards, { target: { kind: "name", port: 22 } }), [[1], [5], [4]]);
  assert.deepEqual(seen(netDir, guards, {}), [[1], [2, 3, 4, 5], [3, 4]]);
});
